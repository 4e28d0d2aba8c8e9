"""While restic writes, nobody is kept off the app; what changed the app meanwhile leaves no backup behind."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from archipelago.api.backups import FolderTarget, VolumeWay
from archipelago.api.operations import Operation
from archipelago.backups.contents import left_out, sources
from archipelago.backups.maker import Prepared, Recipe
from archipelago.backups.restic.says import Written
from archipelago.backups.targets import TargetHistory, TargetRecord
from archipelago.container.data.data_classes import app_volumes
from archipelago.container.data.snapshots.store import SnapshotStore
from archipelago.container.operations.jobs.backup import BackupJob
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.operations import OperationState
from support.jobs_bench import Bench

MOUNT = "    mounts: [{volume: data, path: /data}]\nvolumes: {data: %s}"
FILES = MOUNT % "{data: files}"
SERVER = MOUNT % "{data: database, database: {type: postgres, container: main}}"


@dataclass
class Restic:
    """Takes the place of targets, restic and databases: a backup is a name, and is written while the gate is open."""

    layout: Layout
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    writes: asyncio.Event = field(default_factory=asyncio.Event)
    there: list[str] = field(default_factory=list)
    dumps: bool = True
    unseen: bool = False
    """Whether nobody can see afterwards whether the app has changed."""
    history: TargetHistory = field(default_factory=TargetHistory)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    written: list[Callable[[str], None]] = field(default_factory=list)

    @property
    def targets(self) -> Any:
        record = TargetRecord(
            name="usb", target=FolderTarget(kind="folder", path="/x"), repository="r", added=datetime.now(UTC)
        )

        async def get(_: str) -> TargetRecord:
            return record

        async def note(_: str, change: Any) -> None:
            self.history = change(self.history)

        return SimpleNamespace(get=get, note=note)

    @property
    def maker(self) -> "Restic":
        return self

    def turn(self, _: str) -> asyncio.Lock:
        return self.lock

    async def repository(self, _: TargetRecord) -> "Restic":
        return self

    async def open(self) -> None:
        pass

    async def discard(self, snapshot: str, _: str) -> None:
        self.there.remove(snapshot)

    async def recipe(self, record: AppRecord) -> Recipe:
        volumes = app_volumes(record)
        return Recipe(record, sources(volumes), {}, left_out(volumes), datetime.now(UTC))

    async def identity(self, record: AppRecord) -> object:
        if self.unseen and self.there:
            raise NodeError(ErrorCode.INTERNAL, "its volumes cannot be looked at")
        return record.installed_at, record.package.package_digest()

    def workload(self, _: str) -> None:
        return None

    @contextlib.asynccontextmanager
    async def staging(self, app: str, name: str) -> AsyncIterator[Path]:
        yield self.layout.app(app).backup_at(name)

    async def dump(self, recipe: Recipe, *_: object) -> Recipe:
        if self.dumps:
            return recipe
        volumes = tuple(replace(each, way=VolumeWay.STOPPED) for each in recipe.volumes)
        return replace(recipe, volumes=volumes, stopped_because={"data": "it has no pg_dumpall"})

    async def prepare(self, recipe: Recipe, _: Path, copies: Mapping[str, Path]) -> Prepared:
        return Prepared(recipe, {}, {}, new_files=bool(copies))

    async def write(self, prepared: Prepared, *_: object) -> Written:
        self.writes.set()
        await self.gate.wait()
        self.there.append(prepared.recipe.record.app)
        return Written(prepared.recipe.record.app, 1, 1)


@pytest.fixture
def restic(node: Bench) -> Restic:
    found = Restic(Layout(node.folder, node.folder / "run"))
    node.runner._parts = replace(node.parts, backups=cast(Any, found))
    return found


async def back_up(node: Bench, app: str) -> Operation:
    record = (await node.state.load_apps())[app]
    return await node.runner.open(await BackupJob.requested(node.runner._parts, record, "usb"))


async def test_the_owner_stops_and_starts_an_app_while_restic_writes(node: Bench, restic: Restic) -> None:
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
async def test_an_app_that_was_changed_meanwhile_leaves_no_backup(node: Bench, restic: Restic, change: str) -> None:
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


async def test_a_backup_of_what_may_have_changed_does_not_stay(node: Bench, restic: Restic) -> None:
    node.offer("app", FILES)
    await node.installed("app")
    restic.unseen = True
    restic.gate.set()
    assert (await node.ended(await back_up(node, "app"))).state is OperationState.FAILED
    assert not restic.there and restic.history.of("app").newest is None


async def test_who_waits_for_a_target_locks_nothing(node: Bench, restic: Restic) -> None:
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
    node: Bench, restic: Restic
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


async def test_an_app_is_down_only_while_it_is_copied(node: Bench, restic: Restic) -> None:
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


async def test_a_crash_during_the_copy_leaves_no_app_down(node: Bench, restic: Restic) -> None:
    node.offer("app", FILES)
    await node.installed("app")
    arguments = {"target": "usb", "snapshot": "20261130T000000.000Z", "copying": True}
    await node.crashed("backup", "app", arguments)
    await node.runner.suspend()
    assert node.apps.suspended == {"app"}
    restic.gate.set()
    await node.orchestrator.resume()
    assert (await node.ended(await node.operations.get("00112233aabb"))).state is OperationState.DONE
    assert node.apps.suspended == frozenset()


async def test_a_copy_that_cannot_be_deleted_after_a_crash_leaves_no_app_down(
    node: Bench, restic: Restic, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise NodeError(ErrorCode.INTERNAL, "the disk is broken")

    node.offer("app", FILES)
    await node.installed("app")
    await node.crashed("backup", "app", {"target": "usb", "snapshot": "20261130T000000.000Z", "copying": True})
    await node.runner.suspend()
    assert node.apps.suspended == {"app"}
    monkeypatch.setattr(SnapshotStore, "delete", refuse)
    await node.orchestrator.resume()
    assert (await node.ended(await node.operations.get("00112233aabb"))).state is OperationState.FAILED
    assert node.apps.suspended == frozenset()


async def test_locks_of_operations_exclude_each_other(node: Bench, restic: Restic) -> None:
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
