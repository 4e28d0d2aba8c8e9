"""Snapshots on demand, going back to one, and undoing that or an update."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from archipelago.api.operations import Operation
from archipelago.container.manifest.model.data import Reversible
from archipelago.container.namespace.found import Survey
from archipelago.container.operations.jobs.snapshot import SnapshotJob
from archipelago.container.operations.scheduled_snapshots import ScheduledSnapshots
from archipelago.container.operations.snapshot_schedules import SnapshotSchedules
from archipelago.container.operations.snapshots import Snapshots, refuse_one_way
from archipelago.container.operations.tracker import Tracker
from archipelago.container.operations.way_back import WayBack
from archipelago.errors import ErrorCode, NodeError
from archipelago.performance.resource_manager.disk_level import DiskLevel
from archipelago.security.audit.chain import AuditAction
from archipelago.storage.records.snapshot_schedules import Cadence, ScheduleRecord
from archipelago.storage.records.snapshots import SnapshotKind
from support.app_with_data import CHANNELS, MORE, data, done, node_with_data, version, write
from support.examples import steps
from support.jobs_bench import Bench, bench
from support.jobs_crashes import Crashes
from support.trees import tree


@pytest_asyncio.fixture
async def node(tmp_path: Path) -> AsyncIterator[Bench]:
    async with node_with_data(tmp_path) as made:
        yield made


@pytest.fixture
def snapshots(node: Bench) -> Snapshots:
    return Snapshots(node.parts, node.runner, node.operations)


async def test_a_snapshot_goes_back_stays_and_that_can_be_undone(node: Bench, snapshots: Snapshots) -> None:
    first = tree(data(node))
    await done(node, await snapshots.take("app"))
    (taken,) = await snapshots.list("app")
    assert (taken.kind, taken.version, taken.undoes_update) == (SnapshotKind.MANUAL, "1.0", False)
    await done(node, await node.orchestrator.configure("app", {"n": 7}, ()))
    write(node, "second")
    second = tree(data(node))
    preview = await snapshots.restore_preview("app", taken.name)
    assert "wrote since" in preview.remarks[0]
    await done(node, await snapshots.restore("app", taken.name))
    assert tree(data(node)) == first and (await node.state.load_apps())["app"].options == {"n": 3}
    newest, oldest = await snapshots.list("app")
    assert (newest.kind, oldest.name) == (SnapshotKind.BEFORE_RESTORE, taken.name)
    await done(node, await snapshots.restore("app", newest.name))
    assert tree(data(node)) == second and (await node.state.load_apps())["app"].options == {"n": 7}
    await snapshots.delete("app", taken.name)
    with pytest.raises(NodeError, match="no snapshot"):
        await snapshots.restore("app", taken.name)


async def test_going_back_twice_keeps_what_was_there_before_each(node: Bench, snapshots: Snapshots) -> None:
    await done(node, await snapshots.take("app"))
    (taken,) = await snapshots.list("app")
    write(node, "second")
    second = tree(data(node))
    for _ in range(2):
        await done(node, await snapshots.restore("app", taken.name))
    former = [each for each in await snapshots.list("app") if each.kind is SnapshotKind.BEFORE_RESTORE]
    assert len(former) == 2 and kept(node, former[-1].name) == second


async def test_a_schedule_takes_snapshots_and_deletes_its_own_alone(node: Bench, snapshots: Snapshots) -> None:
    steady, now = 0.0, datetime.now(UTC)
    schedules = SnapshotSchedules(node.state, "node", lambda: now)
    audited: list[AuditAction] = []

    async def audit(action: AuditAction) -> None:
        audited.append(action)

    level = DiskLevel.PLENTY
    chore = ScheduledSnapshots(
        schedules, node.parts, snapshots.take, node.operations, lambda: level, lambda: steady, audit
    )
    await done(node, await snapshots.take("app"))
    await schedules.set("app", ScheduleRecord(every=Cadence.DAILY, hourly=1, daily=0, weekly=0))
    for _ in range(3):
        await chore.look()
        steady, now = steady + 86400, now + timedelta(days=1)
    kinds = [each.kind for each in await snapshots.list("app")]
    assert kinds == [SnapshotKind.SCHEDULED, SnapshotKind.MANUAL] and node.apps.suspended == frozenset()
    await done(node, await snapshots.take("app", SnapshotKind.SCHEDULED))
    level = DiskLevel.SCARCE
    await chore.look()
    assert [each.kind for each in await snapshots.list("app")] == [SnapshotKind.SCHEDULED, SnapshotKind.MANUAL]
    assert [each.subject["app"] for each in audited] == ["app"]


async def test_an_update_is_undone_with_its_data_and_that_is_undone_in_its_turn(
    node: Bench, snapshots: Snapshots
) -> None:
    with pytest.raises(NodeError, match="cannot be undone"):
        await snapshots.undo("app")
    first = tree(data(node))
    node.offer("app", MORE, version="2.0")
    await done(node, await node.orchestrator.update("app"))
    write(node, "of 2.0")
    newer = tree(data(node))
    assert [each.undoes_update for each in await snapshots.list("app")] == [True]
    preview = await snapshots.undo_preview("app")
    assert (preview.version, preview.version_now, preview.apps) == ("1.0", "2.0", ("app",))
    await done(node, await snapshots.undo("app"))
    assert tree(data(node)) == first and await version(node) == "1.0"
    with pytest.raises(NodeError, match="cannot be undone"):
        await snapshots.undo("app")
    (rejected,) = await snapshots.list("app")
    assert rejected.kind is SnapshotKind.REJECTED
    await done(node, await snapshots.restore("app", rejected.name))
    assert tree(data(node)) == newer and await version(node) == "2.0"


async def test_an_update_after_which_the_app_was_changed_again_is_not_undone(node: Bench, snapshots: Snapshots) -> None:
    for each in ("2.0", "3.0"):
        node.offer("app", MORE, version=each)
        await done(node, await node.orchestrator.update("app"))
    await done(node, await snapshots.undo("app"))
    assert await version(node) == "2.0"
    with pytest.raises(NodeError, match="cannot be undone"):
        await snapshots.undo("app")


async def test_a_version_from_which_there_is_no_way_back_says_so_before(node: Bench, snapshots: Snapshots) -> None:
    node.offer("app", f"{MORE}reversible: no\n", version="2.0")
    plan = await node.orchestrator.plan("app", {}, {})
    assert plan.warnings == () and [each.way_back for each in plan.apps] == [Reversible.NO]
    await done(node, await node.orchestrator.update("app"))
    assert await snapshots.list("app") == ()
    node.apps.broken.add("3.0")
    node.offer("app", f"{MORE}reversible: no\n", version="3.0")
    ended = await node.ended(await node.orchestrator.update("app"))
    assert ended.error is not None and "are back" not in ended.error.message and await version(node) == "3.0"


async def test_what_must_never_go_back_keeps_the_whole_app_from_it(tmp_path: Path) -> None:
    async with bench(tmp_path) as node:
        snapshots = Snapshots(node.parts, node.runner, node.operations)
        node.offer("app", CHANNELS)
        await node.installed("app")
        for name in ("data", "channels"):
            (node.folder / "apps" / "app" / "volumes" / name).mkdir(parents=True)
        assert (await snapshots.preview("app")).left_out == ("channels",)
        await done(node, await snapshots.take("app"))
        (taken,) = await snapshots.list("app")
        place = node.folder / "apps" / "app" / "snapshots" / taken.name / "volumes"
        assert [path.name for path in place.iterdir()] == ["data"]
        with pytest.raises(NodeError, match="loses money"):
            await snapshots.restore("app", taken.name)


async def test_an_app_whose_manifest_is_not_read_is_neither_copied_nor_put_back(
    node: Bench, snapshots: Snapshots
) -> None:
    await done(node, await snapshots.take("app"))
    (taken,) = await snapshots.list("app")
    found = (await node.state.load_apps())["app"]
    unread = replace(found, package=replace(found.package, problem="it is of a newer version"))
    with pytest.raises(NodeError, match="it is of a newer version"):
        refuse_one_way(unread, found)
    with pytest.raises(NodeError, match="it is of a newer version"):
        refuse_one_way(found, unread)
    with pytest.raises(NodeError, match="it is of a newer version"):
        await SnapshotJob.measure(node.parts, unread)
    refuse_one_way(found, await node.parts.way_back.store.record(found, taken.name))


async def test_an_app_runs_again_though_what_a_cancel_left_cannot_be_deleted(
    node: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: str) -> None:
        raise NodeError(ErrorCode.INTERNAL, "input/output error")

    job = SnapshotJob.requested((await node.state.load_apps())["app"])
    await node.parts.way_back.suspend(("app",))
    monkeypatch.setattr(node.namespace, "remove", broken)
    with pytest.raises(NodeError, match="input/output"):
        await job.undo(node.parts)
    assert node.apps.suspended == frozenset()


async def test_an_app_runs_again_though_nothing_can_be_written_down_after_the_copy(
    node: Bench, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: Tracker) -> None:
        raise NodeError(ErrorCode.DISK_FULL, "database or disk is full")

    monkeypatch.setattr(Tracker, "commit", full)
    ended = await node.ended(await snapshots.take("app"))
    assert ended.error is not None and ended.error.code == ErrorCode.DISK_FULL
    assert node.apps.suspended == frozenset()


async def test_a_snapshot_that_cannot_be_copied_whole_is_not_put_back_in_part(
    node: Bench, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    await done(node, await snapshots.take("app"))
    (taken,) = await snapshots.list("app")

    async def uncounted(_: str) -> Survey:
        return Survey(0, complete=False)

    monkeypatch.setattr(node.namespace, "survey", uncounted)
    for attempt in (snapshots.restore_preview, snapshots.restore):
        with pytest.raises(NodeError, match="too many files"):
            await attempt("app", taken.name)


async def test_an_app_does_not_go_back_to_a_version_that_does_not_know_a_proof_for_one(
    node: Bench, snapshots: Snapshots
) -> None:
    await done(node, await snapshots.take("app"))
    (taken,) = await snapshots.list("app")
    node.offer("app", MORE.replace("data: files", "data: append-proof, funds: true"), version="2.0")
    await done(node, await node.orchestrator.update("app"))
    write(node, "proof")
    for attempt in (snapshots.restore("app", taken.name), snapshots.undo("app")):
        with pytest.raises(NodeError, match="loses money"):
            await attempt


async def killed_at_each_step(
    node: Bench, crashes: Crashes, operate: Callable[[], Awaitable[Operation]], check: Callable[[], Awaitable[None]]
) -> int:
    """Carry out an operation again and again, each time cut off a later step; return at which it was not."""
    for kill_before in steps(2, 40):
        crashes.left = kill_before
        operation = await operate()
        was_cut_off = await crashes.over(operation)
        crashes.left = -1
        if was_cut_off:
            await crashes.start_again()
        await done(node, await node.operations.get(operation.id))
        await check()
        if not was_cut_off:
            return kill_before - 2
    pytest.fail("it has more steps than that")


def kept(node: Bench, name: str) -> str:
    return tree(node.folder / "apps" / "app" / "snapshots" / name / "volumes" / "data")


async def newest(snapshots: Snapshots, kind: SnapshotKind) -> str:
    return next(each.name for each in await snapshots.list("app") if each.kind is kind)


async def test_a_kill_while_a_snapshot_is_taken_is_gone_on_from(
    node: Bench, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashes, first = Crashes(node), tree(data(node))
    crashes.count(monkeypatch)

    async def check() -> None:
        (taken,) = await snapshots.list("app")
        assert kept(node, taken.name) == first == tree(data(node))
        await snapshots.delete("app", taken.name)

    assert await killed_at_each_step(node, crashes, lambda: snapshots.take("app"), check) > 4


async def test_a_kill_while_a_snapshot_comes_back_is_gone_on_from(
    node: Bench, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashes, first, second = Crashes(node), tree(data(node)), ""
    await done(node, await snapshots.take("app"))
    (taken,) = await snapshots.list("app")
    crashes.count(monkeypatch)

    async def restore() -> Operation:
        nonlocal second
        write(node, "second")
        second = tree(data(node))
        return await snapshots.restore("app", taken.name)

    async def check() -> None:
        assert tree(data(node)) == first == kept(node, taken.name)
        assert kept(node, await newest(snapshots, SnapshotKind.BEFORE_RESTORE)) == second

    assert await killed_at_each_step(node, crashes, restore, check) > 8
    states = [first, second]

    async def undo() -> Operation:
        return await snapshots.restore("app", await newest(snapshots, SnapshotKind.BEFORE_RESTORE))

    async def swapped() -> None:
        states.reverse()
        assert [tree(data(node)), kept(node, await newest(snapshots, SnapshotKind.BEFORE_RESTORE))] == states

    assert await killed_at_each_step(node, crashes, undo, swapped) > 5


async def test_nothing_is_left_of_a_snapshot_of_an_app_that_does_not_stop(
    node: Bench, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(_: WayBack, apps: Collection[str]) -> None:
        assert any((node.folder / "apps" / "app" / "snapshots").iterdir()), "all but the data is there by then"
        raise NodeError(ErrorCode.TIMEOUT, f"{apps} cannot be stopped")

    monkeypatch.setattr(WayBack, "suspend", stuck)
    ended = await node.ended(await snapshots.take("app"))
    assert ended.error is not None and ended.error.code == ErrorCode.TIMEOUT
    assert not any((node.folder / "apps" / "app" / "snapshots").iterdir()) and node.apps.suspended == frozenset()


async def test_a_copy_that_does_not_fit_is_refused_before_the_app_stops(
    node: Bench, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1 << 40, 1 << 40, 1000))  # type: ignore[attr-defined]
    monkeypatch.setattr(node.namespace, "can_clone", _no)
    node.apps.done.clear()
    assert (await snapshots.preview("app")).missing > 0
    with pytest.raises(NodeError, match="are missing"):
        await snapshots.take("app")
    node.offer("app", MORE, version="2.0")
    assert any("are missing" in warning for warning in (await node.orchestrator.plan("app", {}, {})).warnings)
    ended = await node.ended(await node.orchestrator.update("app"))
    assert ended.error is not None and "are missing" in ended.error.message
    assert await version(node) == "1.0" and "suspend app" not in node.apps.done


async def _no(_: str) -> bool:
    return False
