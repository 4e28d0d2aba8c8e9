"""Which ranks of apps are paused because the disk is short. Pure.

Ranks are paused one after the other, each once all before it are down: what stops last must not meet a disk that is
filled by what was to stop first. They come back one at a time, the last one first.
"""

from collections.abc import Callable
from dataclasses import dataclass

from archipelago.performance.resource_manager.disk_level import DiskLevel, disk_level
from archipelago.performance.resource_manager.pause_order import Rank

NO_RANK = min(Rank)
ALL_RANKS = max(Rank) + 1


@dataclass(frozen=True, slots=True)
class DiskPause:
    """What was decided at the last look."""

    level: DiskLevel = DiskLevel.PLENTY
    below: int = NO_RANK
    """Apps of lower ranks than this are paused."""

    def pauses(self, rank: Rank) -> bool:
        """Return whether apps of a rank are paused."""
        return rank < self.below

    def after(self, free: int, total: int, is_down: Callable[[Rank], bool]) -> "DiskPause":
        """Return what follows from another look at the disk, in bytes; `is_down` says whether no app of a rank runs."""
        level = disk_level(free, total, self.level)
        return DiskPause(level, _step(self.below, _target(level), is_down))


def _target(level: DiskLevel) -> int:
    if level is DiskLevel.CRITICAL:
        return ALL_RANKS
    return Rank.BACKGROUND + 1 if level is DiskLevel.SCARCE else NO_RANK


def _step(below: int, target: int, is_down: Callable[[Rank], bool]) -> int:
    if target < below:
        return below - 1
    while below < target and all(map(is_down, list(Rank)[:below])):
        below += 1
    return below
