"""Methods that repair apps."""

from archipelago.api.operations import Operation
from archipelago.api.repairs import RepairPreview
from archipelago.api.services.apps import RepairService
from archipelago.container.manifest.model.scalars import AppId, Key
from archipelago.rpc.method import Family, Params
from archipelago.storage.records.permissions import Permission

family = Family()


class RepairParams(Params):
    """What is repaired, and how."""

    app: AppId
    """Id of the app."""
    repair: Key
    """Name of the repair, as the status of the app lists it."""


@family.method(
    "container-repair",
    "Stop an app, carry out a repair that it declares, and start it",
    permission=Permission.MANAGE,
    mutates=True,
)
async def _repair(repairs: RepairService, params: RepairParams) -> Operation:
    return await repairs.repair(params.app, params.repair)


@family.method("repair-preview", "Say what a repair of an app would do", permission=Permission.READ)
async def _preview(repairs: RepairService, params: RepairParams) -> RepairPreview:
    return await repairs.repair_preview(params.app, params.repair)
