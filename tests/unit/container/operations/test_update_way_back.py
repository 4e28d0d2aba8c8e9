"""An update ends with the new version, or with the old one and its data, wherever the daemon is killed on the way."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from archipelago.container.data.data_classes import restorable_volumes
from archipelago.container.data.snapshots.order import SnapshotOrder
from archipelago.container.dependency_resolver.plan import Action
from archipelago.container.namespace.found import Survey
from archipelago.container.operations.jobs.update import UpdateJob
from archipelago.container.operations.readiness.situation import Situation
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import Desired
from archipelago.storage.records.operations import OperationRecord, OperationState
from archipelago.storage.records.snapshots import SnapshotKind
from support.examples import steps
from support.jobs_bench import PROVIDES, REQUIRES, WITH_DATA, Bench, bench
from support.jobs_crashes import Crashes
from support.trees import tree

MANY = 40
"""More than an update that goes back has steps at which it can be cut off."""


@pytest_asyncio.fixture
async def node(tmp_path: Path) -> AsyncIterator[Bench]:
    """A node with an app that has data, and version 2.0 of it in the catalog."""
    async with bench(tmp_path) as made:
        made.offer("app", WITH_DATA)
        await made.installed("app")
        data(made).mkdir(parents=True)
        (data(made) / "state").write_text("of 1.0")
        made.offer("app", WITH_DATA, version="2.0")
        made.apps.on_run = lambda app, version: run(made, version) if app == "app" else None
        yield made


def data(node: Bench) -> Path:
    return node.folder / "apps" / "app" / "volumes" / "data"


def run(node: Bench, version: str) -> None:
    """Do what a version does when it starts: the new one migrates the data, and the old one cannot read that."""
    state = data(node) / "state"
    if version == "2.0":
        state.write_text("of 2.0")
    else:
        assert state.read_text() == "of 1.0", "the old version was started on data of the new one"


async def version(node: Bench) -> str:
    return (await node.state.load_apps())["app"].package.manifest.version


async def kinds(node: Bench) -> list[SnapshotKind]:
    return [each.kind for each in (await node.parts.way_back.store.list("app")).values()]


async def test_a_version_that_works_stays_and_the_way_back_is_kept(node: Bench) -> None:
    ended = await node.ended(await node.orchestrator.update("app"))
    assert ended.state is OperationState.DONE and await version(node) == "2.0"
    assert await kinds(node) == [SnapshotKind.BEFORE_UPDATE] and node.apps.suspended == frozenset()


async def test_a_version_that_does_not_work_goes_back_with_its_data(node: Bench) -> None:
    before = tree(data(node))
    node.apps.broken.add("2.0")
    ended = await node.ended(await node.orchestrator.update("app"))
    assert ended.state is OperationState.FAILED and ended.error is not None
    assert "it crashes" in ended.error.message and "are back" in ended.error.message
    assert await version(node) == "1.0" and tree(data(node)) == before and node.apps.suspended == frozenset()
    assert await kinds(node) == [SnapshotKind.REJECTED]
    rejected = node.parts.way_back.store._layout.app("app").snapshot(str(ended.error.data["rejected"]))
    assert (rejected.volume("data") / "state").read_text() == "of 2.0"
    # And again: what the first one left is nowhere else.
    await node.ended(await node.orchestrator.update("app"))
    assert await kinds(node) == [SnapshotKind.REJECTED] * 2 and tree(data(node)) == before


async def test_while_the_app_is_stopped_its_data_is_copied_and_nothing_is_written_of_how_far_it_is(
    node: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_operation = node.state.save_operation

    async def save(record: OperationRecord) -> OperationRecord:
        node.apps.done.append("write how far it is")
        return await save_operation(record)

    monkeypatch.setattr(node.state, "save_operation", save)
    node.namespace.before = lambda: node.apps.done.append("change the data")
    ended = await node.ended(await node.orchestrator.update("app"))
    assert ended.state is OperationState.DONE
    stop, start = (node.apps.done.index(f"{what} app") for what in ("suspend", "release"))
    assert node.apps.done[stop + 1 : start] == ["change the data"]


async def test_a_version_that_crashes_a_moment_later_goes_back(node: Bench) -> None:
    node.parts = replace(node.parts, soak=30)
    node.runner._parts = node.parts
    operation = await node.orchestrator.update("app")
    await node.written.until(lambda: "start app" in done_steps(node, operation.id))
    node.apps.broken.add("2.0")
    node.apps.changed.notify()
    ended = await node.ended(operation)
    assert ended.error is not None and "does not stay up" in ended.error.message
    assert await version(node) == "1.0"


def done_steps(node: Bench, operation: str) -> list[str]:
    tracker, _, _ = node.operations._running[operation]
    return [step.name for step in tracker.record.steps if step.state is OperationState.DONE]


async def test_what_an_update_brought_goes_with_it(node: Bench) -> None:
    node.offer("base", PROVIDES)
    node.offer("app", f"{WITH_DATA}{REQUIRES}", version="2.0")
    node.apps.broken.add("2.0")
    ended = await node.ended(await node.orchestrator.update("app"))
    assert ended.error is not None and "are back" in ended.error.message
    assert list(await node.state.load_apps()) == ["app"] and await version(node) == "1.0"


def offer_group(node: Bench, version: str) -> None:
    """Offer versions of a provider and of its consumer that fit no other version of each other."""
    major = version.partition(".")[0]
    node.offer(
        "base", f"{WITH_DATA}provides: {{i: {{container: main, port: 80, version: '{version}'}}}}", version=version
    )
    node.offer("user", f"{WITH_DATA}requires: {{i: {{version: '>={major},<{int(major) + 1}'}}}}", version=version)


@pytest.mark.parametrize("asked", ["user", "base"])
@pytest.mark.parametrize("works", [True, False])
async def test_apps_whose_versions_bind_each_other_are_updated_and_go_back_together(
    node: Bench, asked: str, works: bool
) -> None:
    offer_group(node, "1.0")
    await node.installed("user")
    for app in ("base", "user"):
        folder = node.folder / "apps" / app / "volumes" / "data"
        folder.mkdir(parents=True)
        (folder / "state").write_text("of 1.0")

    def migrate(app: str, version: str) -> None:
        if version == "2.0":
            (node.folder / "apps" / app / "volumes/data/state").write_text("of 2.0")

    node.apps.on_run = migrate
    offer_group(node, "2.0")
    plan = await node.orchestrator.plan(asked, {}, {})
    assert {each.app: each.action for each in plan.apps} == {"base": Action.UPDATE, "user": Action.UPDATE}
    if not works:
        node.apps.broken.add("2.0")
    ended = await node.ended(await node.orchestrator.update(asked, agreed=plan.digest))
    assert (ended.state is OperationState.DONE) is works, ended.error
    records, expected = await node.state.load_apps(), "2.0" if works else "1.0"
    for app in ("base", "user"):
        assert records[app].package.manifest.version == expected
        assert (node.folder / "apps" / app / "volumes/data/state").read_text() == f"of {expected}"
        kinds = [each.kind for each in (await node.parts.way_back.store.list(app)).values()]
        assert kinds == [SnapshotKind.BEFORE_UPDATE if works else SnapshotKind.REJECTED]


async def test_an_app_whose_other_half_has_no_version_that_fits_is_not_updated(node: Bench) -> None:
    offer_group(node, "1.0")
    await node.installed("user")
    node.offer("base", f"{WITH_DATA}provides: {{i: {{container: main, port: 80, version: '2.0'}}}}", version="2.0")
    with pytest.raises(NodeError, match=r"user needs i >=1,<2, but base provides 2\.0"):
        await node.orchestrator.update("base")
    assert (await node.state.load_apps())["base"].package.manifest.version == "1.0"


async def test_a_provider_that_is_suspended_takes_nobody_with_it(node: Bench) -> None:
    node.offer("base", f"{WITH_DATA}{PROVIDES}")
    node.offer("user", REQUIRES)
    await node.installed("user")
    node.apps.suspend(more=("base",))
    desired = node.apps.desired
    assert desired.obstacle("base") and desired.wanted("user") and not desired.wanted("base")
    situation = Situation(desired, node.apps.health)
    assert not situation.should_give_up("base"), "it comes back by itself"
    node.apps.suspend(less=("base",))
    await node.parts.changes.desire(("base",), Desired.STOPPED, message="", app="base")
    assert not node.apps.desired.wanted("user")


async def test_data_that_cannot_be_put_back_whole_runs_nothing(node: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: str) -> None:
        raise NodeError(ErrorCode.INTERNAL, "input/output error")

    node.apps.broken.add("2.0")
    monkeypatch.setattr(node.namespace, "rename", broken)
    ended = await node.ended(await node.orchestrator.update("app"))
    assert ended.error is not None and "stay stopped: input/output error" in ended.error.message
    assert (await node.state.load_apps())["app"].desired is Desired.STOPPED
    assert SnapshotKind.BEFORE_UPDATE in await kinds(node)


async def test_data_that_is_put_back_in_part_runs_nothing_whatever_went_wrong(
    node: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: str) -> None:
        raise OSError("input/output error")

    node.apps.broken.add("2.0")
    monkeypatch.setattr(node.namespace, "rename", broken)
    ended = await node.ended(await node.orchestrator.update("app"))
    assert ended.error is not None and "stay stopped: input/output error" in ended.error.message
    assert (await node.state.load_apps())["app"].desired is Desired.STOPPED


async def test_what_was_broken_before_stays_at_the_new_version_and_can_still_be_undone(node: Bench) -> None:
    node.apps.broken |= {"1.0", "2.0"}
    ended = await node.ended(await node.orchestrator.update("app"))
    assert ended.error is not None and "--undo" in ended.error.hint and await version(node) == "2.0"
    assert await kinds(node) == [SnapshotKind.BEFORE_UPDATE] and node.apps.suspended == frozenset()


async def test_a_copy_that_fails_leaves_the_old_version_running(node: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: str) -> None:
        raise NodeError(ErrorCode.DISK_FULL, "no space left on device")

    monkeypatch.setattr(node.namespace, "copy", full)
    ended = await node.ended(await node.orchestrator.update("app"))
    assert ended.state is OperationState.FAILED and await version(node) == "1.0"
    assert await kinds(node) == [] and node.apps.suspended == frozenset()
    assert not any((node.folder / "apps" / "app" / "snapshots").iterdir())


@pytest.mark.parametrize("works", [True, False])
async def test_room_is_kept_on_the_disk_until_it_is_known_whether_a_version_works(node: Bench, works: bool) -> None:
    room = node.folder / "apps" / "app" / "snapshots" / ".room"
    seen: list[int] = []
    node.apps.on_run = lambda app, version: seen.append(room.stat().st_blocks * 512 if room.exists() else 0)
    if not works:
        node.apps.broken.add("2.0")
    await node.ended(await node.orchestrator.update("app"))
    assert max(seen) >= node.parts.way_back.store.room.size and (works or seen[-1] == 0) and not room.exists()


async def test_what_cannot_be_copied_whole_any_more_is_not_updated(
    node: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = (await node.state.load_apps())["app"]
    measured = await UpdateJob.measure(node.parts, record, agreed=None, downgrade=False)
    job = await UpdateJob.requested(node.parts, record, measured, agreed=None, downgrade=False)
    monkeypatch.setattr(node.namespace, "survey", uncounted)
    ended = await node.ended(await node.runner.open(job))
    assert ended.error is not None and "too many files" in ended.error.message
    assert await version(node) == "1.0" and await kinds(node) == [] and node.apps.suspended == frozenset()


async def uncounted(_: str) -> Survey:
    return Survey(0, complete=False)


@pytest.mark.parametrize("works", [True, False])
async def test_a_kill_at_any_step_is_gone_on_from(node: Bench, works: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree(data(node))
    if not works:
        node.apps.broken.add("2.0")
    crashes = Crashes(node)
    crashes.count(monkeypatch)
    for kill_before in steps(2, MANY):
        crashes.left = kill_before
        operation = await node.orchestrator.update("app")
        if not await crashes.over(operation):
            assert kill_before > 12, "the steps are counted"
            return
        await crashes.start_again()
        ended = await node.ended(await node.operations.get(operation.id))
        assert node.apps.suspended == frozenset()
        if works:
            assert ended.state is OperationState.DONE and await version(node) == "2.0", kill_before
            await reset(node, before)
        else:
            assert ended.state is OperationState.FAILED and await version(node) == "1.0", kill_before
            assert tree(data(node)) == before, kill_before
    pytest.fail("it has more steps than that")


async def reset(node: Bench, before: str) -> None:
    """Go back to the old version by what the update kept, for the next round."""
    way, records = node.parts.way_back, await node.state.load_apps()
    (name,) = await way.store.list("app")
    node.apps.on_run = lambda app, version: None
    volumes = restorable_volumes(records["app"])
    old = await way.store.bring_back(
        records["app"], name, SnapshotOrder("2026-11-29T00-00-00.000Z", SnapshotKind.MANUAL), volumes
    )
    await node.state.save((old,), message="back", app="app")
    await node.parts.changes.apply()
    for each in await way.store.list("app"):
        await way.store.delete("app", each)
    assert tree(data(node)) == before
    node.apps.on_run = lambda app, version: run(node, version)
