"""Methods about the work that the node does."""

from typing import Annotated

from pydantic import Field

from archipelago.api.operations import Operation
from archipelago.api.services import Engine
from archipelago.container.manifest.model.scalars import AppId
from archipelago.rpc.method import AnyMethod, Method, Params
from archipelago.rpc.params import OperationId
from archipelago.storage.records.permissions import Permission


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


async def _list(engine: Engine, params: ListParams) -> tuple[Operation, ...]:
    return await engine.operations(app=params.app, limit=params.limit)


async def _get(engine: Engine, params: OperationParams) -> Operation:
    return await engine.operation(params.id)


async def _wait(engine: Engine, params: WaitParams) -> Operation:
    return await engine.wait_operation(params.id, timeout=params.timeout)


async def _cancel(engine: Engine, params: OperationParams) -> Operation:
    return await engine.cancel(params.id)


def operation_methods() -> tuple[AnyMethod, ...]:
    """Return the methods of this family."""
    return (
        Method(
            name="operation-list",
            summary="Return the newest operations",
            params=ListParams,
            result=tuple[Operation, ...],
            permission=Permission.READ,
            handler=_list,
        ),
        Method(
            name="operation-get",
            summary="Return one operation",
            params=OperationParams,
            result=Operation,
            permission=Permission.READ,
            handler=_get,
        ),
        Method(
            name="operation-wait",
            summary="Return an operation once it has ended, or as it stands after the timeout",
            params=WaitParams,
            result=Operation,
            permission=Permission.READ,
            handler=_wait,
        ),
        Method(
            name="operation-cancel",
            summary="Ask an operation to stop; what it did is undone where that is possible",
            params=OperationParams,
            result=Operation,
            permission=Permission.MANAGE,
            mutates=True,
            handler=_cancel,
        ),
    )
