"""Methods about the work that the node does."""

from typing import Annotated

from pydantic import Field

from archipelago.api.operations import Operation
from archipelago.api.services.apps import OperationService
from archipelago.container.manifest.model.scalars import AppId
from archipelago.rpc.method import Family, Params
from archipelago.rpc.params import OperationId
from archipelago.storage.records.permissions import Permission

family = Family()


class ListParams(Params):
    """Which operations are listed."""

    app: AppId | None = None
    """Only those of one app."""
    limit: Annotated[int, Field(strict=True, ge=1, le=500)] = 50
    """How many, the newest ones."""


class OperationParams(Params):
    """One operation."""

    id: OperationId
    """Id of the operation."""


class WaitParams(OperationParams):
    """How long to wait for an operation."""

    timeout: Annotated[float, Field(strict=True, ge=0, le=60)] = 30
    """Seconds."""


@family.method("operation-list", "Return the newest operations", permission=Permission.READ)
async def _list(operations: OperationService, params: ListParams) -> tuple[Operation, ...]:
    return await operations.newest(params.app, params.limit)


@family.method("operation-get", "Return one operation", permission=Permission.READ)
async def _get(operations: OperationService, params: OperationParams) -> Operation:
    return await operations.get(params.id)


@family.method(
    "operation-wait",
    "Return an operation once it has ended, or as it stands after the timeout",
    permission=Permission.READ,
)
async def _wait(operations: OperationService, params: WaitParams) -> Operation:
    return await operations.wait(params.id, params.timeout)


@family.method(
    "operation-cancel",
    "Ask an operation to stop; what it did is undone where that is possible",
    permission=Permission.MANAGE,
    mutates=True,
)
async def _cancel(operations: OperationService, params: OperationParams) -> Operation:
    return await operations.cancel(params.id)
