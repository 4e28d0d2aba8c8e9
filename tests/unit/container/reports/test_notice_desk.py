"""What the owner has put aside of what needs him."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archipelago.api.data import StreamTargetView, StreamView
from archipelago.api.health import HealthState
from archipelago.api.system import Finding, Later, Severity
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import Desired
from archipelago.storage.records.notices import Hidden, Hiding
from archipelago.storage.records.operations import OperationState
from archipelago.storage.stores.hidden_notices import HiddenNotices
from support.databases import new_database
from support.notice_world import World, app, finding, operation


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    database = await new_database(tmp_path / "state.db")
    yield World(database)
    await database.close()


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
