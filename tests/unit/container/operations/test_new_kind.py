"""A new kind of operation is one new file, once the API publishes its name (`OperationKind`).

The test borrows a published name, and its file is the only one among the jobs: nothing else knows of its class.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from archipelago.container.operations import jobs
from archipelago.container.operations.registry import find_kinds
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.operations import OperationState
from support.jobs_bench import Bench, bench

NEW_FILE = '''
import asyncio

from archipelago.container.operations.job import Job


class Snapshot(Job):
    """Takes a snapshot of an app's data."""

    kind = "repair"

    label: str
    log: str

    async def run(self, parts, tracker):
        await tracker.steps(("take it",))
        with open(self.log, "a") as log:
            log.write(f"taken {self.app} {self.label}\\n")
        await tracker.begin("take it", self.label)
        if self.label == "slow":
            await asyncio.Event().wait()

    async def undo(self, parts):
        with open(self.log, "a") as log:
            log.write("deleted\\n")
'''


@pytest_asyncio.fixture
async def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """A node with this file as its jobs."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "snapshot_of_a_test.py").write_text(NEW_FILE)
    monkeypatch.setattr(jobs, "__path__", [str(tmp_path / "more")])
    async with bench(tmp_path) as made:
        yield made


async def test_it_is_found_opened_listed_locked_resumed_and_cancelled(node: Bench, tmp_path: Path) -> None:
    kinds = find_kinds()
    assert {kind: each.__name__ for kind, each in kinds.items()} == {"repair": "Snapshot"}
    snapshot = kinds["repair"]
    runner = node.runner
    log = tmp_path / "log"
    job = snapshot.load("wallet", {"label": "first", "log": str(log), "apps": ["base"]})
    done = await node.ended(await runner.open(job))
    assert (done.kind, done.state) == ("repair", OperationState.DONE)
    assert [each.model_dump()["kind"] for each in await node.operations.newest("wallet", 9)] == ["repair"]

    slow = await node.crashed("repair", "wallet", {"label": "slow", "log": str(log), "apps": ["base"]})
    await node.runner.resume()
    async with asyncio.timeout(10):
        await node.written.until(lambda: log.read_text().count("taken") == 2)
    with pytest.raises(NodeError) as refused:
        await runner.open(snapshot.load("base", {"label": "x", "log": str(log)}))
    assert refused.value.code is ErrorCode.BUSY
    cancelled = await node.operations.cancel(slow)
    assert cancelled.state is OperationState.CANCELLED
    assert log.read_text() == "taken wallet first\ntaken wallet slow\ndeleted\n"
