"""What needs the owner. Pure."""

from dataclasses import replace

import pytest

from archipelago.api.health import Failure, Health, HealthState
from archipelago.api.notice_channels import Channel, ChannelSettings, WebhookTarget
from archipelago.api.system import NoticeKind, Severity
from archipelago.container.desired.state import trouble_of
from archipelago.container.reports.notices import Disk, Paused, notices
from archipelago.errors import ErrorCode
from archipelago.performance.resource_manager.disk_level import DiskLevel
from archipelago.storage.records.operations import OperationState
from support.notice_world import NOW, ROOM, app, finding, operation


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


def test_an_app_that_is_started_again_after_a_crash_is_the_same_matter_until_it_works() -> None:
    states = (
        app("ill", HealthState.BACKING_OFF, "exit code 1 after 3 s", trouble="exit code 1 after 3 s"),
        app("ill", HealthState.STARTING, "not probed yet", trouble="exit code 1 after 3 s"),
    )
    first, second = (notices((each,), (), {}, ROOM, ())[0] for each in states)
    assert first == second, "it neither comes nor goes while its owner looks at it"
    assert kinds(apps=(app("ill", HealthState.STARTING),)) == []


def test_trouble_is_over_once_it_works_or_its_owner_starts_it() -> None:
    crash = Failure(at=NOW, reason="exit code 1")
    assert Health(state=HealthState.UNHEALTHY, reason="no answer", failure=crash).trouble == "no answer"
    assert Health(state=HealthState.STARTING, restarts=2, failure=crash).trouble == "exit code 1"
    assert Health(state=HealthState.STARTING, failure=crash).trouble == ""
    assert Health(state=HealthState.HEALTHY, restarts=2, failure=crash).trouble == ""


def test_an_app_stays_in_trouble_while_a_container_starts_again_and_others_wait_for_it() -> None:
    crash = Failure(at=NOW, reason="exit code 1")
    again = Health(state=HealthState.STARTING, restarts=2, failure=crash)
    waits = Health(state=HealthState.WAITING, reason="waits for its container db")
    for other in (waits, Health(state=HealthState.STARTING), Health(state=HealthState.HEALTHY)):
        assert trouble_of({"main": other, "db": again}) == "exit code 1"
        assert trouble_of({"main": other, "db": Health(state=HealthState.HEALTHY)}) == ""
    mute = Health(state=HealthState.UNHEALTHY, reason="no answer")
    assert trouble_of({"db": again, "main": mute}) == "no answer" and trouble_of({}) == ""


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
