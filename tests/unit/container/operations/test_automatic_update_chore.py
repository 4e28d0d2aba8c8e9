"""What the node does by itself with updates: what it installs, what it leaves alone, and what it tries once only."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytest_asyncio

from archipelago.api.automatic_updates import AutomaticUpdateView
from archipelago.api.health import HealthState
from archipelago.backups.targets import AppHistory, TargetHistory, TargetStore
from archipelago.container.operations.automatic.choice import AutomaticUpdateChoice
from archipelago.container.operations.automatic.chore import AutomaticUpdates
from archipelago.container.reports.update_notices import update_notices
from archipelago.errors import ErrorCode, NodeError
from archipelago.performance.resource_manager.disk_level import DiskLevel
from archipelago.security.audit.chain import AuditAction, Outcome
from support.jobs_bench import WITH_DATA, Bench, bench
from support.notice_world import app as summary

pytestmark = pytest.mark.asyncio
NIGHT = datetime(2026, 11, 29, 4, 30, tzinfo=UTC)
FUNDS = WITH_DATA.replace("data: files", "data: files, funds: true")
CHANNELS = WITH_DATA.replace("data: files", "data: never-restore, funds: true, exclusive: true")


@dataclass
class Scene:
    """A node in whose catalog is version 2.0 of an app that is installed, at night."""

    bench: Bench
    now: datetime = NIGHT
    steady: float = 10_000.0
    level: DiskLevel = DiskLevel.PLENTY
    history: dict[str, TargetHistory] = field(default_factory=dict)
    audited: list[AuditAction] = field(default_factory=list)
    refuses: NodeError | None = None

    def __post_init__(self) -> None:
        self.choice = AutomaticUpdateChoice(self.bench.state, lambda: self.now)
        self.chore = self.new_life()

    def new_life(self) -> AutomaticUpdates:
        """Return what does it, as after a restart of the daemon."""
        targets = SimpleNamespace(names=self.targets, get=self.target, history=self.history_of)
        return AutomaticUpdates(
            self.choice,
            self.bench.parts,
            self.bench.operations,
            cast(TargetStore, targets),
            self.update,
            lambda: self.level,
            lambda: self.steady,
            "node",
            self.audit,
        )

    async def targets(self) -> tuple[str, ...]:
        return tuple(self.history)

    async def target(self, name: str) -> Any:
        return SimpleNamespace(scheduled=True)

    async def history_of(self, name: str) -> TargetHistory:
        return self.history[name]

    async def update(self, app: str, plan: str) -> Any:
        if self.refuses is not None:
            raise self.refuses
        return await self.bench.orchestrator.update(app, plan)

    async def audit(self, action: AuditAction) -> None:
        self.audited.append(action)

    async def look(self, later: timedelta = timedelta()) -> str:
        """Look for as long as the clock takes to be trusted, so much later; return the version that is there then."""
        self.later(later)
        for _ in range(17):
            self.later(timedelta(minutes=1))
            await self.chore.look()
        return await self.version()

    def later(self, span: timedelta) -> None:
        self.now += span
        self.steady += span.total_seconds()

    async def version(self) -> str:
        return (await self.bench.state.load_apps())["app"].package.manifest.version

    async def view(self) -> AutomaticUpdateView:
        return await self.choice.view("app")


@pytest_asyncio.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with bench(tmp_path) as node:
        node.offer("app", WITH_DATA)
        await node.installed("app")
        (node.folder / "apps" / "app" / "volumes" / "data").mkdir(parents=True)
        node.offer("app", WITH_DATA, version="2.0")
        yield Scene(node)


async def test_nothing_is_installed_until_the_owner_says_so(scene: Scene) -> None:
    assert not (await scene.view()).on
    assert await scene.look() == "1.0"
    await scene.choice.set("app", on=True)
    await scene.choice.set("app", on=False)
    assert await scene.look(timedelta(days=1)) == "1.0"


async def test_it_is_installed_at_night_and_the_owner_is_told(scene: Scene) -> None:
    await scene.choice.set("app", on=True)
    assert await scene.look(timedelta(hours=8)) == "1.0", "in the middle of the day"
    assert (await scene.view()).obstacle == ""
    assert await scene.look(timedelta(hours=15, minutes=40)) == "2.0"
    assert [each.outcome for each in scene.audited] == [Outcome.BEGUN, Outcome.DONE]
    view = await scene.view()
    assert (view.before, view.tried, view.failed, view.recent) == ("1.0", "2.0", False, True)
    (told,) = update_notices([summary("app", version="2.0")], {}, {"app": view})
    assert told.text == "App was updated from 1.0 to 2.0 by itself"
    scene.later(timedelta(days=9))
    assert not list(update_notices([summary("app", version="2.0")], {}, {"app": await scene.view()}))


async def test_the_owner_chooses_the_hours_and_they_may_go_over_midnight(scene: Scene) -> None:
    await scene.choice.set("app", on=True)
    chosen = await scene.choice.set_hours(22, 1)
    assert (chosen.from_hour, chosen.to_hour, chosen.now) == (22, 1, scene.now)
    assert await scene.look() == "1.0", "in the hours of before"
    assert ((await scene.view()).from_hour, (await scene.view()).to_hour) == (22, 1)
    scene.chore = scene.new_life()
    midnight = scene.now.replace(hour=23, minute=50)
    assert await scene.look(midnight - scene.now) == "2.0"


async def test_hours_in_which_the_clock_was_just_set_install_nothing(scene: Scene) -> None:
    await scene.choice.set("app", on=True)
    await scene.choice.set_hours(12, 13)
    await scene.look()
    scene.now = scene.now.replace(hour=12, minute=0)  # it was set: nothing else has passed
    await scene.chore.look()
    assert await scene.version() == "1.0"
    assert await scene.look() == "2.0", "it has run evenly for long enough since"


async def test_hours_that_are_none_are_refused_and_what_cannot_be_read_is_the_default(scene: Scene) -> None:
    with pytest.raises(NodeError, match="at least one hour") as refused:
        await scene.choice.set_hours(5, 5)
    assert refused.value.code is ErrorCode.INVALID_VALUE and (await scene.choice.hours()).from_hour == 4
    await scene.choice.set_hours(1, 2)
    for unreadable in ("{}", "no JSON", '{"start": 77, "end": 1}'):
        await scene.bench.state.set_fact("automatic-update-hours", unreadable)
        assert (await scene.choice.hours()).from_hour == 4, unreadable


async def test_a_version_that_does_not_work_goes_back_and_is_not_tried_again(scene: Scene) -> None:
    await scene.choice.set("app", on=True)
    scene.bench.apps.broken = {"2.0"}
    assert await scene.look() == "1.0"
    assert [each.outcome for each in scene.audited] == [Outcome.BEGUN, Outcome.FAILED]
    view = await scene.view()
    assert view.failed and "are back" in view.obstacle, view
    (told,) = update_notices([summary("app", version="1.0")], {"app": "2.0"}, {"app": view})
    assert "could not update App to 2.0 by itself" in told.text and "are back" in told.detail
    scene.bench.apps.broken = set()
    scene.chore = scene.new_life()
    assert await scene.look(timedelta(days=1)) == "1.0"
    assert "are back" in (await scene.view()).obstacle
    scene.bench.offer("app", WITH_DATA, version="2.1")
    assert await scene.look(timedelta(days=1)) == "2.1", "another version is tried"
    assert not (await scene.view()).failed


async def test_a_version_that_its_owner_undid_is_not_installed_again(scene: Scene) -> None:
    await scene.choice.set("app", on=True)
    assert await scene.look() == "2.0"
    records = await scene.bench.state.load_apps()
    scene.bench.offer("app", WITH_DATA)
    old = replace(records["app"], package=(await scene.bench.parts.catalog.read()).package("app"))
    await scene.bench.state.save((old,), message="undone", app="app")
    scene.bench.offer("app", WITH_DATA, version="2.0")
    assert await scene.look(timedelta(days=1)) == "1.0"
    assert "did not stay" in (await scene.view()).obstacle


async def test_the_end_of_an_update_is_noticed_by_the_next_life_of_the_daemon(scene: Scene) -> None:
    await scene.choice.set("app", on=True)
    scene.bench.apps.broken = {"2.0"}
    operation = await scene.bench.orchestrator.update("app")
    await scene.choice.note("app", tried="2.0", operation=operation.id)  # a crash came here
    await scene.bench.ended(operation)
    assert await scene.look() == "1.0"
    assert (await scene.view()).failed
    await scene.choice.note("app", tried="2.0", operation="gone", failure="")
    assert await scene.look() == "1.0"


async def test_what_is_refused_before_it_starts_is_tried_again_after_an_hour(scene: Scene) -> None:
    await scene.choice.set("app", on=True)
    scene.refuses = NodeError(ErrorCode.BUSY, "somebody works on it")
    assert await scene.look() == "1.0"
    assert (await scene.view()).obstacle == "somebody works on it"
    scene.refuses = None
    assert await scene.look() == "1.0"
    assert await scene.look(timedelta(minutes=40)) == "2.0"


async def test_an_image_that_cannot_be_fetched_is_tried_again(scene: Scene) -> None:
    await scene.choice.set("app", on=True)
    found = {"stage": "fetch"}
    operation = await scene.bench.crashed("update", "app", found)
    record = await scene.bench.state.operation(operation)
    failed = {"state": "failed", "error": {"code": "image", "message": "the registry does not answer"}}
    await scene.bench.state.save_operation(
        type(record).model_validate({**record.model_dump(), **failed, "arguments": found})
    )
    await scene.choice.note("app", tried="2.0", operation=operation)
    assert await scene.look() == "1.0"
    view = await scene.view()
    assert not view.failed and view.tried == "" and "registry" in view.obstacle
    assert await scene.look(timedelta(minutes=50)) == "2.0"


async def test_what_asks_for_more_is_left_to_the_owner(scene: Scene) -> None:
    await scene.choice.set("app", on=True)
    scene.bench.offer("app", WITH_DATA + "egress: direct\n", version="3.0")
    assert await scene.look() == "1.0"
    view = await scene.view()
    (told,) = update_notices([summary("app", version="1.0")], {"app": "3.0"}, {"app": view})
    assert "not installed by itself" in told.detail and "internet" in told.detail
    assert view.tried == ""


@pytest.mark.parametrize("more", [WITH_DATA + "reversible: no\n", CHANNELS])
async def test_what_has_no_way_back_is_left_to_the_owner(scene: Scene, more: str) -> None:
    await scene.choice.set("app", on=True)
    scene.bench.offer("app", more, version="3.0")
    assert await scene.look() == "1.0"
    assert "no way back" in (await scene.view()).obstacle


async def test_an_app_with_money_waits_for_a_proved_backup_of_the_night(scene: Scene) -> None:
    await scene.choice.set("app", on=True)
    scene.bench.offer("app", FUNDS, version="2.0")
    assert await scene.look() == "1.0"
    assert "money" in (await scene.view()).obstacle
    night = NIGHT + timedelta(days=1)
    proof = {"at": night - timedelta(days=2), "passed": True, "seconds": 1.0}
    proved = AppHistory.model_validate({"newest": night - timedelta(minutes=25), "proof": proof})
    scene.history["usb"] = TargetHistory(apps={"app": proved})
    scene.now = night
    assert await scene.look() == "2.0"


@pytest.mark.parametrize("how", ["unhealthy", "disk", "busy"])
async def test_it_waits_while_something_is_wrong_or_works(scene: Scene, how: str) -> None:
    await scene.choice.set("app", on=True)
    if how == "unhealthy":
        scene.bench.apps.stuck["app"] = HealthState.UNHEALTHY
    if how == "disk":
        scene.level = DiskLevel.LITTLE
    if how == "busy":
        await scene.bench.crashed("backup", "other", {})
    assert await scene.look() == "1.0"


async def test_a_clock_that_jumps_into_the_night_installs_nothing_before_it_was_even(scene: Scene) -> None:
    await scene.choice.set("app", on=True)
    scene.now = NIGHT.replace(hour=12)
    await scene.look()
    scene.now = NIGHT + timedelta(days=400)
    await scene.chore.look()
    assert await scene.version() == "1.0"
    assert await scene.look() == "2.0"


async def test_a_choice_is_about_the_installation_that_is_there(scene: Scene) -> None:
    await scene.choice.set("app", on=True)
    await scene.bench.ended(await scene.bench.orchestrator.remove("app", delete_data=False))
    assert await scene.choice.views() == ()
    with pytest.raises(NodeError, match="not installed"):
        await scene.choice.set("app", on=True)
    scene.bench.offer("app", WITH_DATA)
    await scene.bench.ended(await scene.bench.orchestrator.install("app", {}, {}, start=True, downgrade=True))
    assert not (await scene.view()).on


async def test_what_another_version_wrote_installs_nothing(scene: Scene) -> None:
    await scene.bench.state.set_fact("automatic-updates", '{"apps": {"app": "always"}}')
    assert await scene.look() == "1.0"
