"""When backups are due, whatever the clock does."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from archipelago.backups.schedule import is_due, is_overdue, is_weekly_due, last_turn, may_forget

TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))
HOURS = st.integers(0, 24 * 400).map(lambda hours: timedelta(hours=hours))


@given(TIMES, st.text(max_size=10))
def test_the_turn_is_within_the_last_day_and_at_a_quiet_hour(now: datetime, key: str) -> None:
    turn = last_turn(now, key)
    assert now - timedelta(days=1) <= turn <= now
    assert turn.hour == 3


@given(TIMES, HOURS, st.text(max_size=10))
def test_a_day_never_passes_without_a_backup(last: datetime, later: timedelta, key: str) -> None:
    assert is_due(last, last + timedelta(days=1) + later, key)
    assert not is_due(last, last, key)


@given(TIMES, st.timedeltas(timedelta(hours=2), timedelta(days=9000)), st.text(max_size=10))
def test_a_date_of_the_future_proves_nothing(now: datetime, ahead: timedelta, key: str) -> None:
    assert is_due(now + ahead, now, key)
    assert is_weekly_due(now + ahead, now)
    assert is_overdue(now + ahead, now - timedelta(days=99), now)


@given(TIMES, st.lists(HOURS, max_size=20))
def test_nothing_goes_after_a_jump_of_the_clock(now: datetime, ages: list[timedelta]) -> None:
    """All backups but the two newest are from before the jump."""
    jump = timedelta(days=60)
    times = [now, now - timedelta(hours=1), *(now - jump - age for age in ages)]
    assert not may_forget(times, now)
    assert may_forget([*times, now - timedelta(hours=2)], now)


def test_two_nights_without_a_backup_are_overdue() -> None:
    now = datetime(2026, 11, 29, tzinfo=UTC)
    assert not is_overdue(now - timedelta(hours=48), now, now)
    assert is_overdue(now - timedelta(hours=50), now, now)
    assert is_overdue(None, now - timedelta(days=3), now)
    assert not is_overdue(None, now - timedelta(days=1), now)
