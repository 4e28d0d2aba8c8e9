"""Methods that repair apps."""

from archipelago.api.operations import Operation
from archipelago.api.repairs import RepairPreview
from archipelago.api.services import Engine
from archipelago.container.manifest.model.scalars import AppId, Key
from archipelago.rpc.method import AnyMethod, Method, Params
from archipelago.storage.records.permissions import Permission


class RepairParams(Params):
    """What is repaired, and how."""

    app: AppId
    """Id of the app."""
    repair: Key
    """Name of the repair, as the status of the app lists it."""


async def _repair(engine: Engine, params: RepairParams) -> Operation:
    return await engine.repair(params.app, params.repair)


async def _preview(engine: Engine, params: RepairParams) -> RepairPreview:
    return await engine.repair_preview(params.app, params.repair)


def repair_methods() -> tuple[AnyMethod, ...]:
    """Return the methods of this family."""
    return (
        Method(
            name="container-repair",
            summary="Stop an app, carry out a repair that it declares, and start it",
            params=RepairParams,
            result=Operation,
            permission=Permission.MANAGE,
            mutates=True,
            handler=_repair,
        ),
        Method(
            name="repair-preview",
            summary="Say what a repair of an app would do",
            params=RepairParams,
            result=RepairPreview,
            permission=Permission.READ,
            handler=_preview,
        ),
    )
