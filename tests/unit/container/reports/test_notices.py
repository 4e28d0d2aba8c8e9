"""What needs the owner, and what he has put aside of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archipelago.api.apps import AppSummary
from archipelago.api.backups import TargetView
from archipelago.api.catalog import CatalogEntry
from archipelago.api.data import StreamTargetView, StreamView
from archipelago.api.health import HealthState
from archipelago.api.notice_channels import Channel, ChannelSettings, WebhookTarget
from archipelago.api.operations import ErrorView, Operation, OperationKind
from archipelago.api.system import Finding, Later, Notice, NoticeKind, Severity
from archipelago.container.reports.notice_desk import NoticeDesk, Sources
from archipelago.container.reports.notices import Disk, Paused, notices
from archipelago.errors import ErrorCode, NodeError
from archipelago.performance.resource_manager.disk_level import DiskLevel
from archipelago.storage.database import Database
from archipelago.storage.records.apps import Desired
from archipelago.storage.records.notices import Hidden, Hiding
from archipelago.storage.records.operations import OperationState
from archipelago.storage.stores.hidden_notices import HiddenNotices
from support.databases import new_database

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROOM = Disk(1000, 500, None)


def app(name: str = "knots", state: HealthState = HealthState.HEALTHY, reason: str = "", **more: object) -> AppSummary:
    """Return a line about an app."""
    about = {"app": name, "name": name.title(), "version": "1", "desired": Desired.RUNNING}
    return AppSummary.model_validate({**about, "state": state, "reason": reason, **more})


def operation(state: OperationState, name: str = "knots", code: str = ErrorCode.PODMAN, key: str = "a1") -> Operation:
    """Return an operation."""
    error = ErrorView(code=code, message="no space") if state is OperationState.FAILED else None
    about = {"id": key, "kind": OperationKind.START, "app": name, "percent": 0, "created_at": NOW, "updated_at": NOW}
    return Operation.model_validate({**about, "state": state, "error": error})


def finding(check: str, what: str, severity: Severity = Severity.WARNING) -> Finding:
    """Return a finding of the doctor."""
    return Finding(check=check, severity=severity, what=what, why="it matters")


@dataclass
class World:
    """A node of which the tests decide everything but the database."""

    database: Database
    apps: list[AppSummary] = field(default_factory=list)
    newest: list[Operation] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    disk: Disk = ROOM
    steady: float = 1000.0
    wall: float = 1_800_000_000.0
    targets: list[TargetView] = field(default_factory=list)
    streams: list[StreamView] = field(default_factory=list)
    examined: int = 0
    said: list[str] = field(default_factory=list)
    desk: NoticeDesk = field(init=False)

    def __post_init__(self) -> None:
        self.desk = self.new_life()

    def new_life(self) -> NoticeDesk:
        """Return what shows the notices, as after a restart of the daemon."""

        async def apps() -> tuple[AppSummary, ...]:
            return tuple(self.apps)

        async def catalog() -> tuple[CatalogEntry, ...]:
            return ()

        async def operations(count: int) -> tuple[Operation, ...]:
            return tuple(self.newest[:count])

        async def disk() -> Disk:
            return self.disk

        async def examine() -> tuple[Finding, ...]:
            self.examined += 1
            return tuple(self.findings)

        async def channels() -> tuple[Channel, ...]:
            return tuple(self.channels)

        async def backups() -> tuple[TargetView, ...]:
            return tuple(self.targets)

        async def streams() -> tuple[StreamView, ...]:
            return tuple(self.streams)

        sources = Sources(apps, catalog, operations, disk, Paused, examine, channels, backups, streams)
        return NoticeDesk(sources, HiddenNotices(self.database), lambda: self.steady, self.say, lambda: self.wall)

    async def say(self, what: str) -> None:
        """Take what pages that are open are told."""
        self.said.append(what)

    async def shown(self, *, examine: bool = True) -> list[str]:
        """Return the ids of what needs the owner and was not put aside."""
        self.steady += 1
        return [each.id for each in await self.desk.list(examine=examine) if each.hidden is None]

    async def only(self) -> Notice:
        """Return the one notice that there is."""
        (found,) = await self.desk.list()
        return found


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    database = await new_database(tmp_path / "state.db")
    yield World(database)
    await database.close()


def kinds(**world: object) -> list[tuple[NoticeKind, Severity]]:
    given = {"apps": (), "operations": (), "updates": {}, "disk": ROOM, "findings": ()} | world
    return [(each.kind, each.level) for each in notices(**given)]  # type: ignore[arg-type]


def test_the_gravest_comes_first() -> None:
    found = kinds(
        apps=(app("old"), app("ill", HealthState.FAILED, "exit code 1", funds=True)),
        operations=(operation(OperationState.FAILED, "other"),),
        updates={"old": "2"},
        disk=Disk(1000, 20, None, DiskLevel.CRITICAL),
        findings=(
            finding("swap", "no swap"),
            finding("data", "a volume is gone", Severity.ERROR),
            finding("x", "y", Severity.NOTE),
        ),
    )
    assert found == [
        (NoticeKind.APP, Severity.ERROR),
        (NoticeKind.DISK, Severity.ERROR),
        (NoticeKind.FINDING, Severity.ERROR),
        (NoticeKind.FINDING, Severity.WARNING),
        (NoticeKind.OPERATION, Severity.WARNING),
        (NoticeKind.UPDATE, Severity.NOTE),
    ]


def test_only_what_may_be_lost_or_is_in_danger_is_an_error() -> None:
    ill = app(state=HealthState.FAILED)
    assert kinds(apps=(ill,)) == [(NoticeKind.APP, Severity.WARNING)], "no money depends on it"
    assert kinds(apps=(app(state=HealthState.FAILED, funds=True),)) == [(NoticeKind.APP, Severity.ERROR)]
    dangers = ("rootless", "key-file", "file-modes", "data", "disk-works")
    for check in (*dangers, "tun", "podman-version", "memory"):
        expected = Severity.ERROR if check in dangers else Severity.WARNING
        assert kinds(findings=(finding(check, "it is so", Severity.ERROR),)) == [(NoticeKind.FINDING, expected)]


def test_notices_of_one_cause_say_so_and_each_says_what_happens_if_nothing_is_done() -> None:
    found = notices(
        (app("ill", HealthState.FAILED, "exit code 1"), app("old"), app("older")),
        (operation(OperationState.FAILED, "ill"),),
        {"old": "2", "older": "2"},
        Disk(1000, 20, None, DiskLevel.CRITICAL),
        (
            finding("enforcement", "no cpu limit"),
            finding("enforcement", "no io limit"),
            finding("disk-works", "read-only", Severity.ERROR),
        ),
        channels=(deaf(2), deaf(3)),
    )
    assert all(each.consequence for each in found)
    assert sorted(each.cause for each in found) == sorted(
        [*["app:ill"] * 2, *["updates"] * 2, *["host:enforcement"] * 2, *["disk"] * 2, "channels"]
    ), "a channel counts as deaf from its third failure on"


def deaf(failures: int) -> Channel:
    """Return a channel that does not work."""
    settings = ChannelSettings(name="phone", target=WebhookTarget(kind="webhook", url="https://example.com/"))
    return Channel(id="0" * 16, settings=settings, secret_set=False, waiting=1, failures=failures, problem="no answer")


@pytest.mark.parametrize(
    ("disk", "expected"),
    [
        (Disk(1000, 150, None), []),
        (Disk(1000, 149, None, DiskLevel.LITTLE), [(NoticeKind.DISK, Severity.WARNING)]),
        (Disk(1000, 79, None, DiskLevel.SCARCE), [(NoticeKind.DISK, Severity.WARNING)]),
        (Disk(1000, 29, 60.0, DiskLevel.CRITICAL), [(NoticeKind.DISK, Severity.ERROR)]),
        (Disk(1000, 500, 6 * 86400.0), [(NoticeKind.DISK_SOON, Severity.WARNING)]),
        (Disk(1000, 500, 8 * 86400.0), []),
    ],
)
def test_the_disk_is_a_matter_when_little_is_left(disk: Disk, expected: list[tuple[NoticeKind, Severity]]) -> None:
    assert kinds(disk=disk, findings=(finding("disk", "3 GiB are free"),)) == expected


def test_the_notice_of_the_disk_says_who_uses_most_who_was_paused_and_what_to_do() -> None:
    gib = 1024**3
    largest = (("Knots", 700 * gib), ("Electrum", 60 * gib), ("Tor", gib), ("Notes", 9))
    disk = Disk(1000 * gib, 9 * gib, None, DiskLevel.SCARCE, largest)
    (found,) = notices((), (), {}, disk, (), paused=Paused(("Electrum", "Notes")))
    assert found.text == "little disk is left, so the node has paused Electrum, Notes"
    assert found.detail == (
        "9.0 GiB of 1000.0 GiB are free; most is taken by Knots 700.0 GiB, Electrum 60.0 GiB, Tor 1.0 GiB"
    )
    assert found.mend
    (same,) = notices((), (), {}, replace(disk, free=8 * gib, largest=()), (), paused=Paused(("Electrum", "Notes")))
    assert same.said == found.said, "numbers alone are no news"
    (other,) = notices((), (), {}, disk, (), paused=Paused(("Electrum",)))
    assert other.said != found.said


def test_apps_that_were_paused_for_memory_are_named_while_they_are() -> None:
    assert notices((), (), {}, ROOM, (), paused=Paused()) == ()
    (found,) = notices((), (), {}, ROOM, (), paused=Paused(for_memory=("Notes",)))
    assert (found.kind, found.level, found.text) == (
        NoticeKind.MEMORY,
        Severity.WARNING,
        "memory was short, so the node has paused Notes",
    )


def test_a_failed_operation_is_told_until_a_later_one_succeeds() -> None:
    failed, done = operation(OperationState.FAILED, key="a1"), operation(OperationState.DONE, key="a2")
    told = [(NoticeKind.OPERATION, Severity.WARNING)]
    assert kinds(operations=(failed,)) == told
    assert kinds(operations=(done, failed)) == []
    assert kinds(operations=(operation(OperationState.CANCELLED, key="a3"), failed)) == told, "that says nothing"
    assert kinds(operations=(operation(OperationState.RUNNING, key="a3"), failed)) == [], "it is seen to"
    assert kinds(operations=(failed, done)) == told
    late = operation(OperationState.FAILED, code=ErrorCode.NOT_HEALTHY)
    assert kinds(operations=(late,), apps=(app(state=HealthState.STARTING),)) == told
    assert kinds(operations=(late,), apps=(app(state=HealthState.SYNCING),)) == [], "it came up later"


def test_an_operation_of_a_kind_without_words_is_called_by_the_name_of_its_kind() -> None:
    failed = operation(OperationState.FAILED).model_copy(update={"kind": "snapshot"})
    (notice,) = notices((), (failed,), {}, ROOM, ())
    assert "snapshot" in notice.text


async def test_what_is_acknowledged_comes_back_when_it_says_something_else(world: World) -> None:
    world.findings = [finding("memory", "0.2 of 4.0 GiB of memory are available")]
    notice = await world.only()
    await world.desk.hide(notice.id, notice.said, mute=False)
    assert world.said == ["a notice was hidden"]
    assert await world.shown() == []
    world.findings = [finding("memory", "0.1 of 4.0 GiB of memory are available")]
    assert await world.shown() == [], "another number is the same matter"
    world.desk = world.new_life()
    assert await world.shown() == []
    world.findings = [finding("memory", "0.1 of 4.0 GiB of memory are available", Severity.ERROR)]
    assert await world.shown() == [notice.id], "it is graver now"
    world.findings = [finding("memory", "0.2 of 4.0 GiB of memory are available")]
    assert await world.shown() == [notice.id], "what was acknowledged has ended with the change"
    await world.desk.hide(notice.id, "0" * 16, mute=False)
    assert await world.shown() == [notice.id], "the owner saw something else than what is so now"


async def test_an_acknowledged_matter_that_was_over_is_a_new_one(world: World) -> None:
    world.findings = [finding("tun", "/dev/net/tun cannot be opened", Severity.ERROR)]
    notice = await world.only()
    await world.desk.hide(notice.id, None, mute=False)
    world.findings = []
    assert await world.shown() == []
    world.findings = [finding("tun", "/dev/net/tun cannot be opened", Severity.ERROR)]
    assert await world.shown() == [notice.id]


async def test_what_is_muted_stays_so_until_it_is_brought_back(world: World) -> None:
    limits = ("cpu", "io", "pids", "AppArmor")
    warnings = [finding("enforcement", f"not enforced on this host: {what}") for what in limits]
    world.findings = list(warnings)
    before = await world.shown()
    assert len(before) == 4
    for notice in before:
        await world.desk.hide(notice, None, mute=True)
    assert await world.shown() == []
    world.findings = []
    assert await world.shown() == []
    world.findings = [replace_severity(each, Severity.ERROR) for each in warnings]
    assert await world.shown() == []
    assert {each.hidden for each in await world.desk.list()} == {Hiding.MUTED}
    await world.desk.show(before[0])
    assert world.said[-1] == "a notice is shown again"
    assert await world.shown() == [before[0]]


def replace_severity(found: Finding, severity: Severity) -> Finding:
    return found.model_copy(update={"severity": severity})


@pytest.mark.parametrize(("later", "seconds"), [(Later.HOUR, 3600), (Later.DAY, 86400), (Later.WEEK, 604800)])
async def test_what_the_owner_wants_to_be_reminded_of_comes_back_then(
    world: World, later: Later, seconds: float
) -> None:
    world.findings = [finding("swap", "no swap")]
    notice = await world.only()
    await world.desk.remind(notice.id, notice.said, later)
    assert world.said == ["a notice was hidden"]
    hidden = await world.only()
    assert hidden.hidden is Hiding.REMINDED and hidden.hidden_until is not None
    assert hidden.hidden_until.timestamp() == pytest.approx(world.wall + seconds)
    world.steady += seconds - 10
    world.wall += seconds - 10
    assert await world.shown() == []
    world.desk = world.new_life()
    assert await world.shown() == []
    world.steady += 10
    world.wall += 10
    assert await world.shown() == [notice.id]
    assert await HiddenNotices(world.database).all() == {}


async def test_a_reminder_comes_in_time_though_the_clock_is_set(world: World) -> None:
    world.findings = [finding("swap", "no swap")]
    notice = await world.only()
    await world.desk.remind(notice.id, None, Later.HOUR)
    assert await world.shown() == []
    for jump in (-86400.0 * 365, 86400.0 * 730):
        world.wall += jump
        assert await world.shown() == [], "the node knows how much time has passed"
    world.wall -= 86400.0 * 3650
    world.desk = world.new_life()
    assert await world.shown() == []
    world.steady += 3600
    assert await world.shown() == [notice.id], "a start with a clock that was set back waits no longer than the hour"


async def test_a_reminder_ends_when_the_notice_says_something_else(world: World) -> None:
    world.findings = [finding("memory", "0.2 GiB of memory are available")]
    notice = await world.only()
    await world.desk.remind(notice.id, None, Later.WEEK)
    world.findings = [finding("memory", "0.1 GiB of memory are available")]
    assert await world.shown() == []
    world.findings = [finding("memory", "0.1 GiB of memory are available", Severity.ERROR)]
    assert await world.shown() == [notice.id]
    with pytest.raises(NodeError, match="there is no notice"):
        await world.desk.remind("finding:none", None, Later.HOUR)


async def test_an_operation_that_was_muted_is_forgotten_once_a_later_one_has_succeeded(world: World) -> None:
    world.newest = [operation(OperationState.FAILED, key="a1")]
    await world.desk.hide((await world.only()).id, None, mute=True)
    assert await world.shown() == []
    world.newest.insert(0, operation(OperationState.DONE, key="a2"))
    assert await world.desk.list() == () and await HiddenNotices(world.database).all() == {}


async def test_what_is_at_stake_for_security_cannot_be_muted(world: World) -> None:
    world.findings = [finding("key-file", "/data/node.key can be read by others", Severity.ERROR)]
    notice = await world.only()
    with pytest.raises(NodeError, match="cannot be muted") as refused:
        await world.desk.hide(notice.id, None, mute=True)
    assert refused.value.code == ErrorCode.FORBIDDEN and notice.id in refused.value.hint
    await world.desk.hide(notice.id, None, mute=False)
    assert await world.shown() == []
    world.findings = [finding("key-file", "/data2/node.key can be read by others", Severity.ERROR)]
    assert len(await world.shown()) == 1
    # Muted by an earlier version, to which it was not critical: as good as acknowledged.
    (now,) = await world.shown()
    said = (await world.only()).said

    await HiddenNotices(world.database).hide(now, Hidden(Hiding.MUTED, said))
    assert (await world.only()).hidden is Hiding.ACKNOWLEDGED


async def test_an_app_that_crashes_again_and_again_is_acknowledged_once(world: World) -> None:
    crash = app(state=HealthState.BACKING_OFF, reason="ended with exit code 3 after 1 s")
    world.apps = [crash]
    notice = await world.only()
    await world.desk.hide(notice.id, notice.said, mute=False)
    for state, reason in (
        (HealthState.STARTING, ""),
        (HealthState.HEALTHY, ""),
        (HealthState.BACKING_OFF, "ended with exit code 3 after 7 s"),
    ):
        world.apps = [app(state=state, reason=reason)]
        world.steady += 10
        assert await world.shown() == []
    world.apps = [app(state=HealthState.FAILED, reason="its image is gone")]
    assert await world.shown() == [notice.id]

    await world.desk.hide(notice.id, None, mute=False)
    world.apps = [app()]
    assert await world.shown() == []
    world.steady += 121
    assert await world.shown() == []
    world.apps = [app(state=HealthState.FAILED, reason="its image is gone")]
    assert await world.shown() == [notice.id], "it was well for two minutes, so this is a new matter"

    await world.desk.hide(notice.id, None, mute=False)
    world.apps = [app(state=HealthState.STOPPED, desired=Desired.STOPPED)]
    assert await world.shown() == []
    world.apps = [app(state=HealthState.FAILED, reason="its image is gone")]
    assert await world.shown() == [notice.id]


async def test_the_host_is_examined_every_five_minutes_or_when_somebody_wants_it(world: World) -> None:
    for examine, pause, count in ((False, 0, 1), (False, 290, 1), (True, 0, 2), (False, 0, 2), (False, 301, 3)):
        world.steady += pause
        await world.shown(examine=examine)
        assert world.examined == count


async def test_there_is_nothing_to_put_aside_that_is_not_told(world: World) -> None:
    with pytest.raises(NodeError, match="there is no notice"):
        await world.desk.hide("finding:none", None, mute=False)
    await world.desk.show("finding:none")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("the volume 'data' of relay-1 is gone", "the volume 'data' of relay-2 is gone"),
        ("the volume 'data1' of relay is gone", "the volume 'data2' of relay is gone"),
        ("/srv/disk/1 can only be read", "/srv/disk/2 can only be read"),
    ],
)
async def test_what_is_muted_of_one_thing_is_not_muted_of_another_whose_name_differs_by_a_digit(
    world: World, one: str, other: str
) -> None:
    world.findings = [finding("data", one, Severity.ERROR)]
    await world.desk.hide((await world.only()).id, None, mute=True)
    world.findings = [finding("data", one, Severity.ERROR), finding("data", other, Severity.ERROR)]
    assert len(await world.shown()) == 1


FULL = ("usb", False, "it is full")
GOOD = ("nas", True, "")


@pytest.mark.parametrize(
    ("size", "problem", "targets", "expected"),
    [
        (9, "", [GOOD], []),
        (9, "", [("usb", False, ""), GOOD], []),
        (9, "", [FULL, GOOD], [("targets", Severity.ERROR, "it is full")]),
        (9, "the file is empty", [GOOD], [("copy", Severity.ERROR, "the file is empty")]),
        (9, "", [], [("alone", Severity.WARNING, "add a target")]),
        (0, "", [], []),
    ],
)
async def test_a_proof_of_money_that_is_not_where_it_should_be_needs_the_owner(
    world: World,
    size: int,
    problem: str,
    targets: list[tuple[str, bool, str]],
    expected: list[tuple[str, Severity, str]],
) -> None:
    places = tuple(StreamTargetView(target=name, current=current, problem=why) for name, current, why in targets)
    stream = StreamView(app="lnd", volume="proof", file="channel.backup", size=size, problem=problem, targets=places)
    world.streams.append(stream)
    found = await world.desk.list()
    assert [(each.id.split("-")[1], each.level) for each in found] == [(what, level) for what, level, _ in expected]
    assert all(words in each.detail for each, (_, _, words) in zip(found, expected, strict=True))
