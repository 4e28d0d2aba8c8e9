"""Repairs that an app declares."""

from archipelago.support.texts.translatable import Prose, Translatable
from archipelago.support.view import View


class RepairView(View):
    """A repair that an app declares."""

    repair: str
    label: str
    description: str
    suggested: bool = False
    """Whether the app fails now, with signs that this repair is for."""


class RepairPreview(Translatable, View):
    """What a repair would do."""

    app: str
    repair: str
    label: str
    description: str
    effects: tuple[Prose, ...]
    """Sentences, in the order in which it is done."""
    funds: bool = False
    """Whether it touches a volume that holds keys to money."""
    used_by: tuple[str, ...] = ()
    """Apps that have to do without it meanwhile."""
