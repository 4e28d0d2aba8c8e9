"""The method by which the node's page lets a browser in to an app that has no login of its own."""

from typing import Annotated

from pydantic import StringConstraints

from archipelago.api.security import AppEntrance
from archipelago.api.services.security import AppEntryService
from archipelago.rpc.access import Caller
from archipelago.rpc.method import Family, Params
from archipelago.storage.records.permissions import Permission

family = Family()


class EnterParams(Params):
    """Which app, and which browser."""

    site: Annotated[str, StringConstraints(pattern=r"^https?://[a-z0-9.-]{1,253}(:[0-9]{1,5})?$")]
    """Origin of the app's page, as the node named it."""
    state: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
    """What the browser that wants to get in is known by, as the node named it."""


@family.method(
    "app-enter",
    "Return where the caller's browser goes on to get into an app that is behind the node's login",
    permission=Permission.APPS,
    recorded=True,
)
async def _enter(entry: AppEntryService, params: EnterParams, caller: Caller) -> AppEntrance:
    return AppEntrance(address=entry.address(params.site, params.state, caller.session))
