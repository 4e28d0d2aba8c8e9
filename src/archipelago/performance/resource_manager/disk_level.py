"""How short the disk is, by the free space of the file system that holds the data. Pure.

Each mark is a share of the disk, and at most an absolute amount: 8 % of a card of 16 GB is 1.3 GB, which the update of
one app fills, and 8 % of 2 TB is 160 GB, on which a node can run for a year. A level is left at a higher mark than it
was entered at, so what an app writes when it starts again does not stop it again.
"""

from dataclasses import dataclass
from enum import IntEnum

_GIB = 1024**3


class DiskLevel(IntEnum):
    """How short the disk is; a higher level is worse."""

    PLENTY = 0
    LITTLE = 1
    """The owner is warned."""
    SCARCE = 2
    """Nothing may grow that can wait: apps without funds are paused, and nothing is installed, pulled or built."""
    CRITICAL = 3
    """All apps are paused, so that no database meets a full disk."""


@dataclass(frozen=True, slots=True)
class _SpaceMark:
    share: float
    most: int
    """Bytes."""


_MARKS = {
    # A whole Bitcoin chain grows by about 7 GiB a month: that is a warning months ahead.
    DiskLevel.LITTLE: _SpaceMark(0.15, 30 * _GIB),
    DiskLevel.SCARCE: _SpaceMark(0.08, 10 * _GIB),
    # bitcoind must still be able to write its whole cache when it stops.
    DiskLevel.CRITICAL: _SpaceMark(0.03, 4 * _GIB),
}
_BACK = 1.3
"""By how much the mark at which a level is left is higher than the one at which it is entered."""


def entered_below(level: DiskLevel, total: int) -> int:
    """Return the free bytes below which a disk of `total` bytes is at a level, which is not `PLENTY`."""
    mark = _MARKS[level]
    return min(int(mark.share * total), mark.most)


def left_at(level: DiskLevel, total: int) -> int:
    """Return the free bytes from which on a disk that was at a level, which is not `PLENTY`, no longer is."""
    return int(_BACK * entered_below(level, total))


def disk_level(free: int, total: int, before: DiskLevel = DiskLevel.PLENTY) -> DiskLevel:
    """Return the level of a disk, in bytes; `before` is what the last look returned, `PLENTY` at the first one."""
    for level in sorted(_MARKS, reverse=True):
        if free < entered_below(level, total) or (level <= before and free < left_at(level, total)):
            return level
    return DiskLevel.PLENTY
