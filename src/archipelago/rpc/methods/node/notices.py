"""Methods about what needs the owner."""

from typing import Annotated

from pydantic import StringConstraints

from archipelago.api.services import Engine
from archipelago.api.system import Notice
from archipelago.rpc.method import AnyMethod, Method, Params
from archipelago.rpc.params import Flag
from archipelago.storage.records.permissions import Permission

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


async def _list(engine: Engine, params: NoticesParams) -> tuple[Notice, ...]:
    return await engine.notices(examine=params.examine)


async def _hide(engine: Engine, params: HideParams) -> None:
    await engine.hide_notice(params.id, params.said, mute=params.mute)


async def _show(engine: Engine, params: NoticeParams) -> None:
    await engine.show_notice(params.id)


def notice_methods() -> tuple[AnyMethod, ...]:
    """Return the methods of this family."""
    return (
        Method(
            name="node-notices",
            summary="List what needs the owner's attention, most serious first, including hidden notices",
            params=NoticesParams,
            result=tuple[Notice, ...],
            permission=Permission.READ,
            handler=_list,
        ),
        Method(
            name="node-notice-hide",
            summary="Acknowledge or mute a notice",
            params=HideParams,
            result=None,
            permission=Permission.ADMINISTER,
            mutates=True,
            confirms=False,
            handler=_hide,
        ),
        Method(
            name="node-notice-show",
            summary="Show a hidden notice again",
            params=NoticeParams,
            result=None,
            permission=Permission.ADMINISTER,
            mutates=True,
            confirms=False,
            handler=_show,
        ),
    )
