"""When the next snapshot of a schedule is due. Pure: times come from outside.

People choose hours by the wall clock, which may be wrong at any time. So the last turn counts, and not how many were
missed: a node that was off takes one snapshot. A snapshot of the future proves nothing. A second clock, which never
jumps, keeps two of them apart, whatever the first one does.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from archipelago.storage.records.snapshot_schedules import Cadence

NIGHT = 2
"""Hour of the local time from which on apps stop for a snapshot; backups follow an hour later."""
_PERIODS: Mapping[Cadence, timedelta] = {
    Cadence.HOURLY: timedelta(hours=1),
    Cadence.DAILY: timedelta(days=1),
    Cadence.WEEKLY: timedelta(days=7),
}
_SPREAD = 55 * 60
"""Seconds over which the turns of apps are spread, so that not all stop at once."""
_AHEAD = timedelta(minutes=10)
"""How far ahead a snapshot may be, of a clock that was set back a little."""
_LEAST_APART = 0.5
"""Share of a period."""
_SUNDAY = 6


def is_due(every: Cadence, newest: datetime | None, now: datetime, key: str) -> bool:
    """Return whether a snapshot is due; `newest` is when the last one was taken, and `now` is in the local time."""
    if every is Cadence.OFF:
        return False
    if newest is None or newest > now + _AHEAD:
        return True
    return newest < last_turn(every, now, key)


def last_turn(every: Cadence, now: datetime, key: str) -> datetime:
    """Return when the last snapshot should have been taken; `key` differs between apps and nodes."""
    offset = timedelta(seconds=int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % _SPREAD)
    turn = now.replace(minute=0, second=0, microsecond=0)
    if every is not Cadence.HOURLY:
        turn = turn.replace(hour=NIGHT)
    if every is Cadence.WEEKLY:
        turn -= timedelta(days=(turn.weekday() - _SUNDAY) % 7)
    turn += offset
    return turn if turn <= now else turn - _PERIODS[every]


def next_turn(every: Cadence, now: datetime, key: str) -> datetime:
    """Return when the next snapshot is to be taken."""
    return last_turn(every, now, key) + _PERIODS[every]


def least_apart(every: Cadence) -> float:
    """Return the seconds, of a clock that never jumps, before which none is taken again; see `is_due`."""
    return _LEAST_APART * _PERIODS[every].total_seconds()
