"""Methods about how an account likes the page."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from archipelago.api.preferences import Preferences
from archipelago.api.services.node import PreferenceService
from archipelago.container.manifest.model.scalars import AppId
from archipelago.rpc.access import Caller
from archipelago.rpc.method import Family, Params
from archipelago.storage.records.permissions import Permission

family = Family()


def _each_once(found: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(found)) < len(found):
        raise ValueError("expected each id once")
    return found


_CardId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9:._-]*$", max_length=64)]
_Cards = Annotated[tuple[_CardId, ...], Field(max_length=64), AfterValidator(_each_once)]
_Apps = Annotated[tuple[AppId, ...], Field(max_length=200), AfterValidator(_each_once)]


class PreferencesParams(Params):
    """What is changed; what is left out stays as it is."""

    card_order: _Cards | None = None
    """Cards of Home, the first one first; those that are not named follow."""
    hidden_cards: _Cards | None = None
    """Cards of Home that are not shown."""
    pinned_apps: _Apps | None = None
    """Apps that come first, in this order."""


@family.method("preferences-get", "Return how the caller's account likes the page", permission=Permission.ACCOUNT)
async def _get(preferences: PreferenceService, caller: Caller) -> Preferences:
    return await preferences.of(caller.name)


@family.method(
    "preferences-set",
    "Change how the caller's account likes the page; return all of it",
    permission=Permission.ACCOUNT,
    mutates=True,
    confirms=False,
)
async def _set(preferences: PreferenceService, params: PreferencesParams, caller: Caller) -> Preferences:
    return await preferences.change(caller.name, params.model_dump(exclude_none=True))
