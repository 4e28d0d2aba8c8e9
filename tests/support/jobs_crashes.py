"""Ends a job before one of its steps, as kill -9 of the daemon does, and starts the next daemon."""

import contextlib
from dataclasses import dataclass

import pytest

from archipelago.api.operations import Operation
from archipelago.container.desired.state import DesiredState
from archipelago.storage.records.operations import OperationRecord
from support.jobs_bench import Bench
from support.own_namespace import Crash


@dataclass
class Crashes:
    """Each write to the row of the operation, and each change of the disk, is a step before which all may end."""

    node: Bench
    left: int = 0
    """Steps until the end, counted down; it has come at 0."""

    def count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Count the steps from now on."""
        save_operation = self.node.state.save_operation

        async def save(record: OperationRecord) -> OperationRecord:
            self._step()
            return await save_operation(record)

        monkeypatch.setattr(self.node.state, "save_operation", save)
        monkeypatch.setattr(self.node.namespace, "before", self._step)

    def _step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Crash

    async def over(self, operation: Operation) -> bool:
        """Return whether an operation was cut off, once it is over."""
        operations = self.node.operations
        if (running := operations._running.get(operation.id)) is not None:
            # Else asyncio complains of the crash when it deletes the task, in the middle of some other test.
            with contextlib.suppress(Crash):
                await running[1]
        return self.left <= 0

    async def start_again(self) -> None:
        """Do what the next daemon does first; nothing is suspended until it says so."""
        node = self.node
        node.apps.suspended = frozenset()
        node.apps.desired = DesiredState()
        await node.parts.way_back.store.sweep()
        await node.runner.suspend()
        await node.parts.changes.apply()
        await node.runner.resume()
