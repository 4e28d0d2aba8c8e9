"""How an account likes the page."""

from archipelago.storage.records.stored import Stored


class PreferenceRecord(Stored):
    """What an account has chosen; ids that this version does not know stay as they are."""

    card_order: tuple[str, ...] = ()
    """Cards of Home, the first one first."""
    hidden_cards: tuple[str, ...] = ()
    pinned_apps: tuple[str, ...] = ()
