"""What takes long, such as to measure a volume, keeps no request for another app waiting."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from archipelago.api.operations import Operation
from archipelago.container.namespace.found import Survey
from archipelago.container.operations.snapshots import Snapshots
from archipelago.errors import ErrorCode, NodeError
from support.app_with_data import MORE, data, done, node_with_data, write
from support.jobs_bench import Bench
from support.own_namespace import OwnNamespace


@dataclass
class Gate:
    """Holds each survey of a volume up until it is opened."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)


@pytest_asyncio.fixture
async def node(tmp_path: Path) -> AsyncIterator[Bench]:
    async with node_with_data(tmp_path) as made:
        made.offer("other")
        await made.installed("other")
        yield made


@pytest.fixture
def snapshots(node: Bench) -> Snapshots:
    return Snapshots(node.parts, node.runner, node.operations)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    made, survey = Gate(), OwnNamespace.survey

    async def held(self: OwnNamespace, path: str) -> Survey:
        made.reached.set()
        await made.opened.wait()
        return await survey(self, path)

    monkeypatch.setattr(OwnNamespace, "survey", held)
    return made


async def ask(what: str, node: Bench, snapshots: Snapshots) -> Operation:
    """Ask for what measures the app."""
    if what == "update":
        return await node.orchestrator.update("app")
    if what == "snapshot":
        return await snapshots.take("app")
    (snapshot,) = await snapshots.list("app")
    return await snapshots.restore("app", snapshot.name)


@pytest.mark.parametrize("what", ["update", "snapshot", "restore"])
async def test_other_apps_are_not_kept_waiting(what: str, node: Bench, snapshots: Snapshots, gate: Gate) -> None:
    gate.opened.set()
    if what == "restore":
        await done(node, await snapshots.take("app"))
    node.offer("app", MORE, version="2.0")
    gate.reached.clear()
    gate.opened.clear()
    asked = asyncio.create_task(ask(what, node, snapshots))
    await gate.reached.wait()
    async with asyncio.timeout(10):
        await done(node, await node.orchestrator.stop("other"))
    assert not asked.done()
    gate.opened.set()
    await done(node, await asked)


async def test_an_app_that_is_busy_is_not_measured(node: Bench, snapshots: Snapshots, gate: Gate) -> None:
    with node.operations.kept_away("app"), pytest.raises(NodeError) as refused:
        await snapshots.take("app")
    assert refused.value.code is ErrorCode.BUSY and not gate.reached.is_set()


async def test_an_update_of_what_was_changed_while_it_was_measured_is_refused(
    node: Bench, snapshots: Snapshots, gate: Gate
) -> None:
    node.offer("app", MORE, version="2.0")
    asked = asyncio.create_task(ask("update", node, snapshots))
    await gate.reached.wait()
    node.offer("app", MORE, version="3.0")
    gate.opened.set()
    with pytest.raises(NodeError) as refused:
        await asked
    assert refused.value.code is ErrorCode.BUSY and "plan" in refused.value.message
    write(node, "still there")
    assert (data(node) / "state").read_text() == "still there"
