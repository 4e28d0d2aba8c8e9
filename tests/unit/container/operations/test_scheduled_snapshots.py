"""What the schedule of snapshots does at each look: what is due, what it leaves alone, and what goes for room."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytest_asyncio

from archipelago.api.health import Health, HealthState
from archipelago.api.operations import Operation, OperationKind
from archipelago.container.data.snapshots.methods import CopyPlan, LeftOut
from archipelago.container.operations.operations import Operations
from archipelago.container.operations.scheduled_snapshots import ScheduledSnapshots
from archipelago.container.operations.snapshot_schedules import SnapshotSchedules
from archipelago.errors import NodeError
from archipelago.performance.resource_manager.disk_level import DiskLevel
from archipelago.security.audit.chain import AuditAction
from archipelago.storage.records.operations import OperationState
from archipelago.storage.records.snapshot_schedules import Cadence, ScheduleRecord
from archipelago.storage.records.snapshots import SnapshotKind, SnapshotRecord
from archipelago.storage.stores.state import State

pytestmark = pytest.mark.asyncio
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
DAILY = ScheduleRecord(every=Cadence.DAILY, hourly=0, daily=2, weekly=0)


@dataclass
class Scene:
    """Two apps with containers that stop at once; what was taken and deleted is in `done`."""

    now_is: datetime = NOON
    steady: float = 1000.0
    level: DiskLevel = DiskLevel.PLENTY
    plan: CopyPlan = field(default_factory=lambda: CopyPlan(free=1 << 40))
    state_of: HealthState = HealthState.HEALTHY
    grace: float = 10.0
    busy: bool = False
    fails: bool = False
    facts: dict[str, str] = field(default_factory=dict)
    taken: dict[str, dict[str, SnapshotRecord]] = field(default_factory=lambda: {"one": {}, "two": {}})
    count: int = 0
    done: list[str] = field(default_factory=list)
    audited: list[AuditAction] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.schedules = SnapshotSchedules(cast(State, self), "node", lambda: self.now_is)
        way_back = SimpleNamespace(plan=self.plan_of, store=SimpleNamespace(list=self.all_of, delete=self.delete))
        reconciler = SimpleNamespace(health=lambda app: Health(state=self.state_of))
        parts = SimpleNamespace(state=self, way_back=way_back, reconciler=reconciler)
        operations = Operations(cast(State, self), str)
        operations.newest = self.newest  # type: ignore[method-assign]
        self.chore = ScheduledSnapshots(
            self.schedules, cast(Any, parts), self.take, operations, lambda: self.level, lambda: self.steady, self.audit
        )

    async def found_fact(self, key: str) -> str:
        return self.facts.get(key, "")

    async def set_fact(self, key: str, value: str) -> None:
        self.facts[key] = value

    async def record(self, kind: str, app: str, message: str, data: Any) -> None:
        self.done.append(message)

    async def audit(self, action: AuditAction) -> None:
        self.audited.append(action)

    async def load_apps(self) -> dict[str, Any]:
        container = SimpleNamespace(stop=SimpleNamespace(grace=self.grace))
        package = SimpleNamespace(problem="", manifest=SimpleNamespace(containers={"main": container}))
        return {app: SimpleNamespace(app=app, package=package) for app in self.taken}

    async def plan_of(self, _: Any) -> CopyPlan:
        return self.plan

    async def newest(self, app: str | None, limit: int) -> tuple[Operation, ...]:
        return (self.operation("one", OperationState.RUNNING),) if self.busy else ()

    async def all_of(self, app: str) -> dict[str, SnapshotRecord]:
        return dict(self.taken[app])

    async def delete(self, app: str, name: str) -> None:
        del self.taken[app][name]
        self.done.append(f"delete {name} of {app}")

    async def take(self, app: str, why: SnapshotKind) -> Operation:
        if self.fails:
            return self.operation(app, OperationState.FAILED)
        self.done.append(app)
        self.count += 1
        number = self.count
        name = f"{number:03}"
        self.taken[app][name] = SnapshotRecord(kind=why, at=self.now_is, number=number, version="1", package="")
        return self.operation(app, OperationState.DONE)

    def operation(self, app: str, state: OperationState) -> Operation:
        return Operation(
            id="1",
            kind=OperationKind.SNAPSHOT,
            app=app,
            state=state,
            percent=100,
            created_at=self.now_is,
            updated_at=self.now_is,
        )

    async def look(self, later: timedelta = timedelta()) -> list[str]:
        """Look once, so much later, and return what came of it."""
        self.now_is += later
        self.steady += later.total_seconds()
        self.done.clear()
        await self.chore.look()
        return list(self.done)


@pytest_asyncio.fixture
async def scene() -> Scene:
    return Scene()


async def test_nothing_is_taken_until_the_owner_says_so(scene: Scene) -> None:
    assert await scene.look() == await scene.look(timedelta(days=30)) == []


async def test_one_is_taken_each_night_and_retention_deletes_the_oldest(scene: Scene) -> None:
    await scene.schedules.set("one", DAILY)
    assert await scene.look() == ["one"]
    assert await scene.look(timedelta(hours=1)) == []
    assert await scene.look(timedelta(days=1)) == ["one"]
    assert len(scene.taken["one"]) == 2
    found = await scene.look(timedelta(days=30))
    assert found[0] == "one" and found[1].startswith("delete") and len(found) == 2
    assert len(scene.taken["one"]) == 2


async def test_the_schedule_of_the_node_is_for_apps_that_stop_for_a_moment(scene: Scene) -> None:
    await scene.schedules.set(None, DAILY)
    scene.plan = CopyPlan(bytes=1 << 30, free=1 << 40)
    assert await scene.look() == []
    assert "copy 1" in scene.schedules.obstacles["one"]
    scene.plan, scene.grace = CopyPlan(free=1 << 40), 1800.0
    assert await scene.look(timedelta(days=1)) == []
    view = (await scene.schedules.list()).apps[0]
    assert "1800 s to stop" in view.obstacle and not view.own and view.next is not None
    await scene.schedules.set("one", DAILY)
    assert await scene.look(timedelta(days=1)) == ["one"], "its owner wants it all the same"
    scene.grace = 10.0
    assert await scene.look(timedelta(days=1)) == ["one", "two"]


@pytest.mark.parametrize("state", [HealthState.SYNCING, HealthState.UNHEALTHY, HealthState.STOPPED])
async def test_an_app_that_downloads_its_chain_or_does_not_work_is_left_alone(scene: Scene, state: HealthState) -> None:
    await scene.schedules.set("one", DAILY)
    scene.state_of = state
    assert await scene.look() == []
    scene.state_of = HealthState.HEALTHY
    assert await scene.look(timedelta(hours=2)) == ["one"], "it is caught up with"


async def test_it_waits_for_whatever_works_on_the_node(scene: Scene) -> None:
    await scene.schedules.set("one", DAILY)
    scene.busy = True
    assert await scene.look() == []
    scene.busy = False
    assert await scene.look(timedelta(minutes=1)) == ["one"]


async def test_one_that_fails_is_tried_again_after_an_hour(scene: Scene) -> None:
    await scene.schedules.set("one", DAILY)
    scene.fails = True
    assert await scene.look() == []
    scene.fails = False
    assert await scene.look(timedelta(minutes=30)) == []
    assert await scene.look(timedelta(minutes=31)) == ["one"]


async def test_a_disk_that_is_short_gets_room_and_no_more_are_taken(scene: Scene) -> None:
    await scene.schedules.set("one", DAILY)
    await scene.look()
    await scene.look(timedelta(days=1))
    scene.taken["one"]["mine"] = SnapshotRecord(kind=SnapshotKind.MANUAL, at=NOON, number=9, version="1", package="")
    scene.level = DiskLevel.LITTLE
    found = await scene.look(timedelta(days=1))
    assert [each for each in found if each.startswith("delete")] == ["delete 001 of one"]
    assert len(scene.taken["one"]) == 2 and "mine" in scene.taken["one"], "its owner's stay"
    assert [each.action for each in scene.audited] == ["snapshot-thin-out"]
    assert "disk is short" in (await scene.schedules.list()).apps[0].obstacle
    scene.level = DiskLevel.SCARCE
    await scene.look()
    assert len(scene.taken["one"]) == 2, "the newest stays on a disk that is almost full as well"
    scene.level = DiskLevel.PLENTY
    assert await scene.look(timedelta(days=1)) == ["one"]
    assert not (await scene.schedules.list()).apps[0].obstacle


async def test_what_cannot_be_copied_whole_is_not_taken(scene: Scene) -> None:
    await scene.schedules.set("one", DAILY)
    scene.plan = CopyPlan(left_out={"data": LeftOut.MOUNTED}, free=1 << 40)
    assert await scene.look() == []
    assert "cannot be copied" in scene.schedules.obstacles["one"]


async def test_an_app_that_is_not_there_gets_no_schedule_and_one_that_went_is_forgotten(scene: Scene) -> None:
    with pytest.raises(NodeError, match="not installed"):
        await scene.schedules.set("three", DAILY)
    await scene.schedules.set("two", DAILY)
    del scene.taken["two"]
    await scene.schedules.set("one", DAILY)
    assert list((await scene.schedules.load()).apps) == ["one"]


async def test_what_another_version_wrote_takes_no_snapshots(scene: Scene) -> None:
    scene.facts["snapshot-schedules"] = '{"node": {"every": "each second"}}'
    assert await scene.look() == []
