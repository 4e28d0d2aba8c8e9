"""When snapshots of a schedule are due and which of them go, whatever the clock does."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.data.snapshots.retention import NEWEST, Aged, Keep, expired, expired_of_schedule
from archipelago.container.data.snapshots.schedule import NIGHT, is_due, last_turn, least_apart, next_turn
from archipelago.storage.records.snapshot_schedules import Cadence, ScheduleRecord, ScheduleRecords
from archipelago.storage.records.snapshots import SnapshotKind

TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))
PERIODS = {
    Cadence.HOURLY: timedelta(hours=1),
    Cadence.DAILY: timedelta(days=1),
    Cadence.WEEKLY: timedelta(days=7),
}
CADENCES = st.sampled_from(list(PERIODS))
KEYS = st.text(max_size=10)
KEEPS = st.builds(Keep, hourly=st.integers(0, 30), daily=st.integers(0, 10), weekly=st.integers(0, 5))


@st.composite
def histories(draw: st.DrawFn) -> list[Aged]:
    """Snapshots in the order in which they were taken, by a clock that jumps in both directions."""
    found = []
    for number in range(1, draw(st.integers(0, 30)) + 1):
        kind = draw(st.sampled_from([*SnapshotKind, *[SnapshotKind.SCHEDULED] * 9]))
        found.append(Aged(f"{number:03}", draw(TIMES), kind, number))
    return found


# --- what is due ------------------------------------------------------------------------------------------------------


@given(every=CADENCES, now=TIMES, key=KEYS)
def test_turns_come_at_their_hour_and_one_period_apart(every: Cadence, now: datetime, key: str) -> None:
    turn = last_turn(every, now, key)
    assert now - PERIODS[every] < turn <= now < next_turn(every, now, key) == turn + PERIODS[every]
    if every is not Cadence.HOURLY:
        assert turn.hour == NIGHT
    if every is Cadence.WEEKLY:
        assert turn.strftime("%a") == "Sun"


@given(every=CADENCES, off=TIMES, away=st.timedeltas(timedelta(), timedelta(days=900)), key=KEYS)
def test_a_node_that_was_off_catches_up_once(every: Cadence, off: datetime, away: timedelta, key: str) -> None:
    now = off + away
    if is_due(every, off, now, key):
        assert not is_due(every, now, now, key), "and then waits for the next turn"
        assert not is_due(every, now, next_turn(every, now, key) - timedelta(seconds=1), key)
    else:
        assert away < PERIODS[every]
    assert is_due(every, now, next_turn(every, now, key), key)


@given(every=CADENCES, steps=st.lists(TIMES, max_size=40), key=KEYS)
def test_a_clock_that_jumps_has_no_more_taken_than_time_passes(every: Cadence, steps: list[datetime], key: str) -> None:
    """The clock shows something else each minute."""
    taken, newest, not_before = 0, None, 0.0
    for minute, now in enumerate(steps):
        if minute * 60 >= not_before and is_due(every, newest, now, key):
            taken, newest, not_before = taken + 1, now, minute * 60 + least_apart(every)
    assert taken <= 1 + len(steps) * 60 / least_apart(every)


@given(every=CADENCES, now=TIMES, ahead=st.timedeltas(timedelta(hours=1), timedelta(days=9000)), key=KEYS)
def test_a_snapshot_of_the_future_proves_nothing(every: Cadence, now: datetime, ahead: timedelta, key: str) -> None:
    assert is_due(every, now + ahead, now, key)
    assert is_due(every, None, now, key)
    assert not is_due(Cadence.OFF, now + ahead, now, key)


# --- what goes --------------------------------------------------------------------------------------------------------


@given(snapshots=histories(), keep=KEEPS)
def test_a_schedule_deletes_its_own_alone_and_never_the_newest(snapshots: list[Aged], keep: Keep) -> None:
    gone = set(expired_of_schedule(snapshots, keep))
    own = [each for each in snapshots if each.kind is SnapshotKind.SCHEDULED]
    assert gone <= {each.name for each in own}
    left = [each for each in own if each.name not in gone]
    assert len(left) <= max(1, keep.hourly + keep.daily + keep.weekly), "they do not fill the disk"
    assert left[-1:] == own[-1:]
    assert not expired_of_schedule(left, keep), "a second look deletes nothing more"
    assert set(expired(snapshots)).isdisjoint(each.name for each in own), "an update does not touch them"


@given(snapshots=histories(), keep=KEEPS, jumped=TIMES)
def test_one_more_snapshot_pushes_out_three_at_most_whatever_its_date(
    snapshots: list[Aged], keep: Keep, jumped: datetime
) -> None:
    """One for each kind of retention: a clock that jumps ahead makes nothing old."""
    before = [each for each in snapshots if each.name not in expired_of_schedule(snapshots, keep)]
    after = [*before, Aged("999", jumped, SnapshotKind.SCHEDULED, number=999)]
    gone = set(expired_of_schedule(after, keep)) - {"999"}
    assert len(gone) <= 3


@given(days=st.integers(1, 60))
def test_each_of_the_last_days_and_weeks_keeps_its_newest(days: int) -> None:
    start = datetime(2026, 1, 1, 2, 30, tzinfo=UTC)
    taken = [Aged(f"{n:03}", start + timedelta(days=n), SnapshotKind.SCHEDULED, number=n) for n in range(days)]
    gone = expired_of_schedule(taken, Keep(hourly=0, daily=7, weekly=4))
    left = [each for each in taken if each.name not in gone]
    assert left[-7:] == taken[-7:]
    weeks = {f"{each.at:%G-%V}" for each in left}
    assert weeks == {f"{each.at:%G-%V}" for each in taken[-28:]} or len(weeks) == 4
    assert len(left) <= 11


def test_a_short_disk_leaves_the_newest_and_so_does_a_schedule_that_keeps_none() -> None:
    taken = [Aged(f"{n}", datetime(2026, 1, n, tzinfo=UTC), SnapshotKind.SCHEDULED, number=n) for n in range(1, 6)]
    assert expired_of_schedule(taken, NEWEST) == ("1", "2", "3", "4")
    assert expired_of_schedule(taken, Keep(0, 0, 0)) == ("1", "2", "3", "4")


# --- whose ------------------------------------------------------------------------------------------------------------


def test_an_app_has_its_own_schedule_or_that_of_the_node() -> None:
    daily, weekly = ScheduleRecord(every=Cadence.DAILY), ScheduleRecord(every=Cadence.WEEKLY)
    found = ScheduleRecords().with_app(None, weekly).with_app("knots", daily)
    assert (found.of("knots"), found.of("other")) == (daily, weekly)
    assert found.with_app("knots", None).of("knots") == weekly
    assert ScheduleRecords().of("knots").every is Cadence.OFF, "nothing is taken unless its owner says so"
    assert ScheduleRecords.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize("every", PERIODS)
def test_apps_do_not_all_stop_at_once(every: Cadence) -> None:
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    assert len({last_turn(every, now, f"node/{app}") for app in range(20)}) > 15
