"""Which snapshots go by themselves. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from archipelago.storage.records.snapshots import SnapshotKind


@dataclass(frozen=True, slots=True)
class Aged:
    """A snapshot, as far as its age decides."""

    name: str
    at: datetime
    """In UTC."""
    kind: SnapshotKind
    number: int = 0
    """Of the snapshots of its app, as they were taken: a clock may be set back."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How many of a schedule are kept: the newest of each of the last hours, days and weeks that have one."""

    hourly: int = 24
    daily: int = 7
    weekly: int = 4


NEWEST = Keep(1, 0, 0)
_BUCKETS = ("%Y-%m-%d %H", "%Y-%m-%d", "%G-%V")
_ALONE = frozenset({SnapshotKind.BEFORE_UPDATE, SnapshotKind.BACKUP})
"""Kinds of which the newest of an app is kept; what was moved aside is the only copy of what was written last."""


def expired(snapshots: Iterable[Aged]) -> tuple[str, ...]:
    """Return the names of an app's snapshots that go, those of its schedule apart, the oldest first.

    The clock of now plays no part. Those that go are copies, of which a newer one is there, beside the data in use;
    what was moved aside, or did not come back, is of another kind.
    """
    newest_first = _newest_first(snapshots)
    kept = {each.name for each in newest_first if each.kind not in _ALONE}
    for kind in _ALONE:
        kept |= {each.name for each in [each for each in newest_first if each.kind is kind][:1]}
    return tuple(each.name for each in reversed(newest_first) if each.name not in kept)


def expired_of_schedule(snapshots: Iterable[Aged], keep: Keep) -> tuple[str, ...]:
    """Return the names of an app's snapshots of its schedule that go, the oldest first.

    The clock of now plays no part: one that jumps makes nothing old. Each is a copy of what was in use then, so none is
    the only place of anything but the past. The newest stays, whatever `keep` says.
    """
    newest_first = [each for each in _newest_first(snapshots) if each.kind is SnapshotKind.SCHEDULED]
    kept = {each.name for each in newest_first[:1]}
    for pattern, count in zip(_BUCKETS, (keep.hourly, keep.daily, keep.weekly), strict=True):
        kept |= _newest_of_each(newest_first, pattern, count)
    return tuple(each.name for each in reversed(newest_first) if each.name not in kept)


def _newest_first(snapshots: Iterable[Aged]) -> list[Aged]:
    return sorted(snapshots, key=lambda each: (each.number, each.at, each.name), reverse=True)


def _newest_of_each(newest_first: Sequence[Aged], pattern: str, count: int) -> set[str]:
    buckets: dict[str, str] = {}
    for each in newest_first:
        buckets.setdefault(each.at.strftime(pattern), each.name)
    return set(list(buckets.values())[:count])
