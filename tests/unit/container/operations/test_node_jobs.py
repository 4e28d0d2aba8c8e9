"""Jobs about the whole node: each app is an operation of its own, and nothing of them depends on who looks on."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from archipelago.api.operations import Operation
from archipelago.container.desired.state import DesiredState
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.jobs.backup_all import BackupAllJob
from archipelago.container.operations.jobs.install import InstallJob
from archipelago.container.operations.jobs.restore_all import READ_STEP, RestoreAllJob, app_step
from archipelago.container.operations.tracker import Tracker
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.operations import OperationRecord, OperationState
from support.app_records import record
from support.examples import steps
from support.jobs_bench import PROVIDES, REQUIRES, Bench
from support.memory_restic import MemoryRestic
from support.own_namespace import Crash

MOUNT = "    mounts: [{volume: data, path: /data}]\nvolumes: {data: {data: files}}"
APPS = {"user": "x1", "base": "x2", "alone": "x3"}
"""As their names are ordered, what needs an app comes before it in part."""
MANY = 60
"""More than a restore of all apps writes."""


@pytest.fixture
def restic(node: Bench) -> MemoryRestic:
    found = MemoryRestic(Layout(node.folder, node.folder / "run"), names=("usb", "nas"))
    found.gate.set()
    node.runner._parts = replace(node.parts, backups=cast(Any, found))
    return found


@pytest.fixture
def refused(node: Bench, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Apps come from the catalog instead of from backups; return where a test puts those that do not."""
    node.offer("alone")
    why: dict[str, str] = {}

    async def read(job: RestoreAllJob, _: JobParts, tracker: Tracker) -> tuple[Mapping[str, AppRecord], dict[str, str]]:
        await tracker.begin(READ_STEP)
        await tracker.finish(READ_STEP)
        more = {"base": PROVIDES, "user": REQUIRES, "alone": ""}
        folder = node.folder / f"backups-{len(list(node.folder.glob('backups-*')))}"
        return {app: record(folder, app, 1, "x", more[app]) for app in job.backups}, {}

    async def check(_: RestoreAllJob, __: JobParts, app: str) -> None:
        if app in why:
            raise NodeError(ErrorCode.INTERNAL, why[app])

    async def plan(_: RestoreAllJob, parts: JobParts, app: str) -> Job | None:
        if app in await parts.state.load_apps():
            return None
        return await InstallJob.requested(parts, app, {}, {}, start=True, also=(), agreed=None, downgrade=False)

    for name, function in {"_read": read, "_check": check, "_plan": plan}.items():
        monkeypatch.setattr(RestoreAllJob, name, function)
    return why


async def restore_all(node: Bench) -> Operation:
    return await node.runner.open(RestoreAllJob(target="usb", backups=APPS))


def states(operation: Operation) -> dict[str, str]:
    return {each.name: each.state.value for each in operation.steps}


async def test_apps_come_back_providers_first_each_as_an_operation_of_its_own(
    node: Bench, refused: dict[str, str]
) -> None:
    done = await node.ended(await restore_all(node))
    assert done.state is OperationState.DONE, done.error
    assert [each.name for each in done.steps] == [READ_STEP, *map(app_step, ("alone", "base", "user"))]
    assert done.apps == ("alone", "base", "user") and done.app == ""
    opened = [(each.kind, each.app) for each in reversed(await node.operations.newest(None, 9))]
    assert opened == [("backup-restore-all", ""), *[("install", app) for app in ("alone", "base", "user")]]


async def test_what_fails_is_named_with_its_reason_and_keeps_nobody_away_but_who_needs_it(
    node: Bench, refused: dict[str, str]
) -> None:
    refused["base"] = "its backup is damaged"
    failed = await node.ended(await restore_all(node))
    assert set(await node.state.load_apps()) == {"alone"}
    assert failed.error is not None and failed.error.code == ErrorCode.INCOMPLETE
    assert failed.error.message.startswith("2 of 3 apps are not back: ")
    assert "base: its backup is damaged" in failed.error.message
    assert "user: it needs base, which did not come back" in failed.error.message
    assert failed.error.data == {"apps": ["base", "user"]}
    refused.clear()
    assert (await node.ended(await restore_all(node))).state is OperationState.DONE
    assert set(await node.state.load_apps()) == set(APPS)


async def test_there_is_one_at_a_time_and_it_waits_for_who_works_on_an_app(
    node: Bench, refused: dict[str, str]
) -> None:
    node.images.gate.clear()
    owner = await node.orchestrator.install("alone", {}, {}, start=True)
    running = await restore_all(node)
    with pytest.raises(NodeError, match="another restore of all apps") as busy:
        await restore_all(node)
    assert busy.value.data == {"operation": running.id}
    await node.operations._changed.until(lambda: "waits for another operation on alone" in words(node, running))
    assert node.operations.working_on("base") is None, "what is not at work locks nothing"
    node.images.gate.set()
    assert (await node.ended(owner)).state is OperationState.DONE
    assert (await node.ended(running)).state is OperationState.DONE
    assert len([each for each in await node.operations.newest("alone", 9) if each.kind == "install"]) == 1


def words(node: Bench, operation: Operation) -> str:
    return str([each.detail for each in node.operations._running[operation.id][0].record.steps])


async def test_a_cancel_undoes_the_app_at_work_and_leaves_those_that_are_back(
    node: Bench, refused: dict[str, str]
) -> None:
    await node.installed("alone")
    node.images.gate.clear()
    running = await restore_all(node)
    await node.operations._changed.until(lambda: "image of base" in words(node, running))
    cancelled = await node.operations.cancel(running.id)
    assert cancelled.state is OperationState.CANCELLED
    assert set(await node.state.load_apps()) == {"alone"}
    assert states(cancelled)[app_step("alone")] == "done" and states(cancelled)[app_step("user")] == "cancelled"
    assert {each.state for each in await node.operations.newest("base", 9)} == {OperationState.CANCELLED}
    assert node.operations.working_on("base") is None


async def test_an_app_that_its_owner_cancels_is_one_that_failed(node: Bench, refused: dict[str, str]) -> None:
    node.images.gate.clear()
    running = await restore_all(node)
    await node.operations._changed.until(lambda: "image of alone" in words(node, running))
    child = node.operations.working_on("alone")
    assert child is not None
    await node.operations.cancel(child)
    node.images.gate.set()
    failed = await node.ended(running)
    assert failed.error is not None and failed.error.data == {"apps": ["alone"]}
    assert set(await node.state.load_apps()) == {"base", "user"}


async def test_after_a_kill_before_any_write_it_goes_on_with_what_is_missing(
    node: Bench, refused: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for write in steps(1, MANY):
        if not await killed_before(node, write, monkeypatch):
            assert write > 15, "the writes are counted"
            return
        assert set(await node.state.load_apps()) == set(APPS)
        installs = [each for each in await node.operations.newest(None, 500) if each.kind == "install"]
        assert len(installs) == len({each.app for each in installs}), f"twice, after a kill at write {write}"
        await forget_all(node)
    pytest.fail("it writes more often than that")


async def killed_before(node: Bench, write: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Restore all, end the daemon before a write, and have the next one go on; return whether it was cut off."""
    save, left = node.state.save_operation, write

    async def dying(record: OperationRecord) -> OperationRecord:
        nonlocal left
        left -= 1
        if left <= 0:
            raise Crash
        return await save(record)

    monkeypatch.setattr(node.state, "save_operation", dying)
    operation = ""
    with contextlib.suppress(Crash):
        operation = (await restore_all(node)).id
    tasks = [task for _, task, _ in node.operations._running.values()]
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)
    monkeypatch.setattr(node.state, "save_operation", save)
    node.apps.desired = DesiredState()
    await node.parts.changes.apply()
    await node.runner.resume()
    if not operation:
        operation = (await restore_all(node)).id
    ended = await node.operations.wait(operation, 20)
    assert ended.state is OperationState.DONE, (write, ended)
    return left <= 0


async def forget_all(node: Bench) -> None:
    for app in ("user", "base", "alone"):
        assert (await node.ended(await node.orchestrator.remove(app, delete_data=False))).state is OperationState.DONE
    await node.database.run(lambda connection: connection.execute("DELETE FROM operations").rowcount)


async def test_all_apps_are_backed_up_to_all_targets(node: Bench, restic: MemoryRestic) -> None:
    for app in ("one", "two"):
        node.offer(app, MOUNT)
        await node.installed(app)
    done = await node.ended(await node.runner.open(await BackupAllJob.requested(node.runner._parts, None, None)))
    assert done.state is OperationState.DONE, done.error
    assert restic.there == ["one", "two", "one", "two"]
    steps = [f"back up {app} to {target}" for target in ("usb", "nas") for app in ("one", "two")]
    assert [each.name for each in done.steps] == steps and "of which" in done.steps[0].detail


async def test_a_target_that_is_away_is_one_problem_and_an_app_that_fails_keeps_no_other_away(
    node: Bench, restic: MemoryRestic, monkeypatch: pytest.MonkeyPatch
) -> None:
    for app in ("one", "two"):
        node.offer(app, MOUNT)
        await node.installed(app)
    restic.away = "there is no repository"
    job = await BackupAllJob.requested(node.runner._parts, ["usb"], None)
    failed = await node.ended(await node.runner.open(job))
    assert failed.error is not None and failed.error.data["backups"] == [
        {"app": "one", "target": "usb"},
        {"app": "two", "target": "usb"},
    ]
    assert restic.history.problem == "there is no repository"
    assert not [each for each in await node.operations.newest(None, 9) if each.kind == "backup"], "none was tried"
    restic.away = ""
    await node.ended(await node.orchestrator.remove("one", delete_data=False))
    gone = await node.ended(await node.runner.open(job))
    assert gone.error is not None and "one" in gone.error.message and restic.there == ["two"]


async def test_a_backup_of_nothing_is_refused(node: Bench, restic: MemoryRestic) -> None:
    with pytest.raises(NodeError, match="no app is installed"):
        await BackupAllJob.requested(node.runner._parts, None, None)
    with pytest.raises(NodeError, match="not installed"):
        await BackupAllJob.requested(node.runner._parts, None, ["ghost"])
    restic.names = ()
    with pytest.raises(NodeError, match="no target"):
        await BackupAllJob.requested(node.runner._parts, None, None)
