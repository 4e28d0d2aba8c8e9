"""How an account likes the page."""

from archipelago.support.view import View


class Preferences(View):
    """What an account has chosen; ids may be of cards and apps that are not there now."""

    card_order: tuple[str, ...] = ()
    """Cards of Home, the first one first; those that are not named follow."""
    hidden_cards: tuple[str, ...] = ()
    """Cards of Home that are not shown."""
    pinned_apps: tuple[str, ...] = ()
    """Apps that come first, in this order."""
