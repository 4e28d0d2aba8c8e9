"""While restic writes, nobody is kept off the app; what changed the app meanwhile leaves no backup behind."""

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest

from archipelago.api.operations import Operation
from archipelago.container.data.snapshots.store import SnapshotStore
from archipelago.container.operations.jobs.backup import BackupJob
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout
from archipelago.storage.records.operations import OperationState
from support.jobs_bench import Bench
from support.memory_restic import MemoryRestic

MOUNT = "    mounts: [{volume: data, path: /data}]\nvolumes: {data: %s}"
FILES = MOUNT % "{data: files}"
SERVER = MOUNT % "{data: database, database: {type: postgres, container: main}}"


@pytest.fixture
def restic(node: Bench) -> MemoryRestic:
    found = MemoryRestic(Layout(node.folder, node.folder / "run"))
    node.runner._parts = replace(node.parts, backups=cast(Any, found))
    return found


async def back_up(node: Bench, app: str) -> Operation:
    record = (await node.state.load_apps())[app]
    return await node.runner.open(await BackupJob.requested(node.runner._parts, record, "usb"))


async def test_the_owner_stops_and_starts_an_app_while_restic_writes(node: Bench, restic: MemoryRestic) -> None:
    node.offer("app", FILES)
    await node.installed("app")
    backup = await back_up(node, "app")
    await restic.writes.wait()
    for change in (node.orchestrator.stop, node.orchestrator.start):
        assert (await node.ended(await change("app"))).state is OperationState.DONE
    restic.gate.set()
    assert (await node.ended(backup)).state is OperationState.DONE
    assert restic.there == ["app"] and restic.history.of("app").newest is not None


@pytest.mark.parametrize("change", ["update", "remove"])
async def test_an_app_that_was_changed_meanwhile_leaves_no_backup(
    node: Bench, restic: MemoryRestic, change: str
) -> None:
    node.offer("app", FILES)
    await node.installed("app")
    backup = await back_up(node, "app")
    await restic.writes.wait()
    if change == "update":
        node.offer("app", FILES, version="2.0")
        await node.ended(await node.orchestrator.update("app"))
    else:
        await node.ended(await node.orchestrator.remove("app", delete_data=False))
    restic.gate.set()
    ended = await node.ended(backup)
    assert ended.error is not None and ended.error.code == ErrorCode.BUSY
    assert not restic.there and restic.history.of("app").newest is None and restic.history.problem


async def test_a_backup_of_what_may_have_changed_does_not_stay(node: Bench, restic: MemoryRestic) -> None:
    node.offer("app", FILES)
    await node.installed("app")
    restic.unseen = True
    restic.gate.set()
    assert (await node.ended(await back_up(node, "app"))).state is OperationState.FAILED
    assert not restic.there and restic.history.of("app").newest is None


async def test_who_waits_for_a_target_locks_nothing(node: Bench, restic: MemoryRestic) -> None:
    for app in ("app", "other"):
        node.offer(app, FILES)
        await node.installed(app)
    first = await back_up(node, "app")
    await restic.writes.wait()
    second = await back_up(node, "other")
    await node.operations._changed.until(lambda: node.operations.working_on("other") is None)
    assert (await node.ended(await node.orchestrator.stop("other"))).state is OperationState.DONE
    restic.gate.set()
    assert {(await node.ended(each)).state for each in (first, second)} == {OperationState.DONE}


async def test_a_backup_waits_for_who_works_on_the_app_without_its_place_at_the_target(
    node: Bench, restic: MemoryRestic
) -> None:
    node.offer("app", FILES)
    await node.installed("app")
    restic.gate.set()
    async with restic.lock:
        backup = await back_up(node, "app")
        await node.operations._changed.until(lambda: node.operations.working_on("app") is None)
        away = node.operations.kept_away("app")
        away.__enter__()
    await node.operations._changed.until(lambda: "another operation" in _details(node, backup))
    assert not restic.lock.locked() and not restic.there
    away.__exit__(None, None, None)
    assert (await node.ended(backup)).state is OperationState.DONE


def _details(node: Bench, operation: Operation) -> str:
    return str([step.detail for step in node.operations._running[operation.id][0].record.steps])


async def test_an_app_is_down_only_while_it_is_copied(node: Bench, restic: MemoryRestic) -> None:
    node.offer("app", SERVER)
    await node.installed("app")
    restic.layout.app("app").volume("data").mkdir(parents=True)
    restic.dumps = False
    backup = await back_up(node, "app")
    await restic.writes.wait()
    assert node.apps.suspended == frozenset(), "it runs again before restic writes"
    node.apps.suspend(more={"app"})  # another operation works on it by now
    restic.gate.set()
    ended = await node.ended(backup)
    assert ended.state is OperationState.DONE, ended.error
    assert node.apps.suspended == {"app"}, "whoever else keeps it down still does"
    assert any("it has no pg_dumpall" in str(step.detail) for step in ended.steps)


async def test_a_crash_during_the_copy_leaves_no_app_down(node: Bench, restic: MemoryRestic) -> None:
    node.offer("app", FILES)
    await node.installed("app")
    arguments = {"target": "usb", "snapshot": "20261130T000000.000Z", "copying": True}
    await node.crashed("backup", "app", arguments)
    await node.runner.suspend()
    assert node.apps.suspended == {"app"}
    restic.gate.set()
    await node.runner.resume()
    assert (await node.ended(await node.operations.get("00112233aabb"))).state is OperationState.DONE
    assert node.apps.suspended == frozenset()


async def test_a_copy_that_cannot_be_deleted_after_a_crash_leaves_no_app_down(
    node: Bench, restic: MemoryRestic, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise NodeError(ErrorCode.INTERNAL, "the disk is broken")

    node.offer("app", FILES)
    await node.installed("app")
    await node.crashed("backup", "app", {"target": "usb", "snapshot": "20261130T000000.000Z", "copying": True})
    await node.runner.suspend()
    assert node.apps.suspended == {"app"}
    monkeypatch.setattr(SnapshotStore, "delete", refuse)
    await node.runner.resume()
    assert (await node.ended(await node.operations.get("00112233aabb"))).state is OperationState.FAILED
    assert node.apps.suspended == frozenset()


async def test_locks_of_operations_exclude_each_other(node: Bench, restic: MemoryRestic) -> None:
    for app in ("app", "other"):
        node.offer(app, FILES)
        await node.installed(app)
    one = await back_up(node, "app")
    await restic.writes.wait()
    assert node.operations.lock(one.id, frozenset({"app"}))
    with pytest.raises(NodeError, match="still working"):
        await node.orchestrator.stop("app")
    two = await back_up(node, "other")
    assert not node.operations.lock(two.id, frozenset({"app", "other"}))
    waiting = asyncio.create_task(node.operations.until_free(two.id, frozenset({"app"})))
    await asyncio.sleep(0)
    assert not waiting.done()
    node.operations.lock(one.id, frozenset())
    await waiting
    restic.gate.set()
    assert (await node.ended(one)).state is (await node.ended(two)).state is OperationState.DONE
