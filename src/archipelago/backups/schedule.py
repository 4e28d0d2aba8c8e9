"""When backups, drills and checks are due, and which are overdue. Pure: times come from outside.

Days are counted by the wall clock, since people choose hours by it; it may be wrong at any time. A date in the future
proves nothing, so what it is about is due.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

QUIET_HOUR = 3
"""Of the local time; from then on each target has its own minute."""
_SPREAD = 3600
"""Seconds over which targets are spread, so that a server is not asked by all nodes at once."""
OVERDUE = timedelta(hours=49)
"""Two nights, and an hour for the backup itself."""
WEEK = timedelta(days=7)
_AHEAD = timedelta(hours=1)
"""How far ahead a date may be, of a clock that was set back a little."""
_GAP = timedelta(days=45)


def is_due(newest: datetime | None, now: datetime, key: str) -> bool:
    """Return whether a daily backup is due: none was made since the last quiet hour. `now` is in the local time."""
    if newest is None or newest > now + _AHEAD:
        return True
    return newest < last_turn(now, key)


def last_turn(now: datetime, key: str) -> datetime:
    """Return when the last daily backup of a target should have started; `key` differs between targets and nodes."""
    offset = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % _SPREAD
    today = now.replace(hour=QUIET_HOUR, minute=0, second=0, microsecond=0) + timedelta(seconds=offset)
    return today if today <= now else today - timedelta(days=1)


def is_weekly_due(last: datetime | None, now: datetime) -> bool:
    """Return whether what is done once a week is due."""
    return last is None or last > now + _AHEAD or last < now - WEEK


def is_overdue(newest: datetime | None, added: datetime, now: datetime) -> bool:
    """Return whether there should be a newer backup than the newest."""
    since = newest if newest is not None else added
    return not now - OVERDUE <= since <= now + _AHEAD


def may_forget(times: Sequence[datetime], now: datetime) -> bool:
    """Return whether old snapshots of an app may go; `times` are those of all of them.

    A clock that jumped years ahead makes everything old: nothing goes until there are three backups of the time
    around now.
    """
    return len([each for each in times if now - _GAP <= each <= now + _AHEAD]) >= 3
