"""Methods about what needs the owner."""

from typing import Annotated

from pydantic import StringConstraints

from archipelago.api.services.node import NoticeService
from archipelago.api.system import Later, Notice
from archipelago.rpc.method import Family, Params
from archipelago.rpc.params import Flag
from archipelago.storage.records.permissions import Permission

family = Family()

NoticeId = Annotated[str, StringConstraints(pattern=r"^[a-z-]+:[A-Za-z0-9_.-]+$", max_length=200)]
Said = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class NoticesParams(Params):
    """How notices are looked for."""

    examine: Flag = False
    """Whether the host is examined now; otherwise an examination of the last five minutes will do."""


class NoticeParams(Params):
    """One notice."""

    id: NoticeId
    """Id of the notice."""


class HideParams(NoticeParams):
    """How a notice is hidden."""

    said: Said | None = None
    """What it said when it was seen (`said`); without it, what it says now."""
    mute: Flag = False
    """Whether it stays aside until it is brought back; otherwise it comes back when it says something else."""


class RemindParams(NoticeParams):
    """When a notice is shown again."""

    said: Said | None = None
    """What it said when it was seen (`said`); without it, what it says now."""
    later: Later


@family.method(
    "node-notices",
    "List what needs the owner's attention, most serious first, including hidden notices",
    permission=Permission.READ,
)
async def _list(notices: NoticeService, params: NoticesParams) -> tuple[Notice, ...]:
    return await notices.list(examine=params.examine)


@family.method(
    "node-notice-hide", "Acknowledge or mute a notice", permission=Permission.ADMINISTER, mutates=True, confirms=False
)
async def _hide(notices: NoticeService, params: HideParams) -> None:
    await notices.hide(params.id, params.said, mute=params.mute)


@family.method(
    "node-notice-remind",
    "Hide a notice for an hour, a day or a week, or until it says something else",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=False,
)
async def _remind(notices: NoticeService, params: RemindParams) -> None:
    await notices.remind(params.id, params.said, params.later)


@family.method(
    "node-notice-show", "Show a hidden notice again", permission=Permission.ADMINISTER, mutates=True, confirms=False
)
async def _show(notices: NoticeService, params: NoticeParams) -> None:
    await notices.show(params.id)
