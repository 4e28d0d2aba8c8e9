"""Changes of data while its app is installed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from archipelago.api.operations import OperationKind
from archipelago.container.desired.state import DesiredState
from archipelago.container.operations.data import DataService
from archipelago.container.operations.operations import Operations
from archipelago.container.operations.tracker import Tracker
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.operations import OperationState
from archipelago.storage.stores.state import State
from support.databases import new_database


class SlowStore:
    """Takes as long as it is let."""

    def __init__(self) -> None:
        self.begun, self.goes_on = asyncio.Event(), asyncio.Event()

    async def restore(self, _app: str, _kept: str) -> None:
        self.begun.set()
        await self.goes_on.wait()

    delete = restore


class Data:
    """Remembers whose user ids were given up."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []

    async def forget_if_nothing_is_left(self, app: str) -> None:
        self.forgotten.append(app)


@pytest.fixture
async def operations(tmp_path: Path) -> AsyncIterator[Operations]:
    database = await new_database(tmp_path / "state.db")
    yield Operations(State(database, lambda _: None), str)
    await database.close()


@pytest.mark.parametrize("change", ["restore_kept", "delete_kept"])
async def test_no_app_is_installed_while_what_was_kept_of_it_is_changed(operations: Operations, change: str) -> None:
    store = SlowStore()
    anything = cast(Any, None)
    service = DataService(
        anything, anything, anything, cast(Any, store), cast(Any, Data()), operations, DesiredState, anything
    )

    async def work(_: Tracker) -> None: ...

    async def install() -> OperationState:
        begun = await operations.open(OperationKind.INSTALL, "pos", frozenset({"wallet"}), {}, work)
        return (await operations.wait(begun.id, 10)).state

    changing = asyncio.create_task(getattr(service, change)("wallet", "2026-01-01T00-00-00.000Z"))
    await store.begun.wait()
    for again in (install, lambda: getattr(service, change)("wallet", "2026-01-01T00-00-00.000Z")):
        with pytest.raises(NodeError, match="the data of wallet is being changed") as refused:
            await again()
        assert refused.value.code is ErrorCode.BUSY
    store.goes_on.set()
    await changing
    assert await install() is OperationState.DONE
