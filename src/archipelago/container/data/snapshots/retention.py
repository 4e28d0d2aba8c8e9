"""Which snapshots go by themselves. Pure."""

from collections.abc import Iterable
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
    funds: bool = False
    """It has keys to money that may be nowhere else."""
    number: int = 0
    """Of the snapshots of its app, as they were taken: a clock may be set back."""


_ALONE = frozenset(SnapshotKind) - {SnapshotKind.MANUAL}
"""Kinds of which the newest of an app is kept."""


def expired(snapshots: Iterable[Aged]) -> tuple[str, ...]:
    """Return the names of an app's snapshots that go, the oldest first. The clock of now plays no part."""
    newest_first = sorted(snapshots, key=lambda each: (each.number, each.at, each.name), reverse=True)
    kept = {each.name for each in newest_first if each.kind is SnapshotKind.MANUAL}
    # What was moved aside is the only copy of what was written last.
    kept |= {each.name for each in newest_first if each.funds and each.kind.is_moved}
    for kind in _ALONE:
        kept |= {each.name for each in [each for each in newest_first if each.kind is kind][:1]}
    return tuple(each.name for each in reversed(newest_first) if each.name not in kept)
