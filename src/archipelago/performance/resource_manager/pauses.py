"""Remembers which apps the node has paused while disk or memory is short, or their part of the disk full, and why.

Nothing of it is stored: what the owner wants is, and a daemon that starts looks at disk and memory again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archipelago.api.system import PauseCause
from archipelago.errors import ErrorCode, NodeError
from archipelago.performance.resource_manager.disk_level import DiskLevel, entered_below, left_at
from archipelago.performance.resource_manager.disk_pause import DiskPause
from archipelago.performance.resource_manager.disk_quota import DiskQuotas, QuotaLevel
from archipelago.performance.resource_manager.memory_pause import MemoryPause
from archipelago.performance.resource_manager.pause_order import Rank, RankedApp
from archipelago.support.texts.sizes import size_words
from archipelago.support.texts.text import msg


@dataclass(frozen=True, slots=True)
class HostRoom:
    """What is left of the host."""

    disk_total: int
    """Bytes of the file system that holds the data."""
    disk_free: int
    memory_pressure: float | None
    """Percentage of the last ten seconds in which some program waited for memory; None where the kernel is silent."""


class Pauses:
    """Decides at each look."""

    def __init__(self) -> None:
        self._disk = DiskPause()
        self._memory = MemoryPause()
        self._room = HostRoom(0, 0, None)
        self._quotas = DiskQuotas()
        self._disk_limits: Mapping[str, int] = {}

    @property
    def disk_level(self) -> DiskLevel:
        """How short the disk was at the last look."""
        return self._disk.level

    def look(self, room: HostRoom, now: float, order: Sequence[RankedApp], running: frozenset[str]) -> None:
        """Decide again; `running` are the apps of which a container runs, `now` is of a clock that never jumps."""
        known = {each.app: each.rank for each in order}
        # At the start of the daemon, what runs may not be known yet: it could be of any rank.
        ranks = {rank for app in running for rank in ([known[app]] if app in known else Rank)}
        self._room = room
        self._disk = self._disk.after(room.disk_free, room.disk_total, lambda rank: rank not in ranks)
        self._memory = self._memory.after(now, room.memory_pressure, order, running)

    def look_at_volumes(self, used: Mapping[str, int], limits: Mapping[str, int]) -> None:
        """Decide again by what volumes take and may take, in bytes by app; only apps with a limit are in `limits`."""
        self._quotas, self._disk_limits = self._quotas.after(used, limits), limits

    def at_disk_limit(self, level: QuotaLevel) -> frozenset[str]:
        """Return the apps whose part of the disk is that full."""
        return self._quotas.at(level)

    def causes(self, order: Sequence[RankedApp]) -> dict[str, PauseCause]:
        """Return the apps that are paused, each with what it was paused for."""
        over, known = self._quotas.at(QuotaLevel.OVER), {each.app for each in order}
        found = {each.app: PauseCause.DISK for each in order if self._disk.pauses(each.rank)}
        for each in order:
            if each.app in over and each.rank is Rank.BACKGROUND:
                found.setdefault(each.app, PauseCause.DISK_LIMIT)
        for app in self._memory.apps:
            if app in known:
                found.setdefault(app, PauseCause.MEMORY)
        return found

    def paused(self, order: Sequence[RankedApp], cause: PauseCause) -> tuple[str, ...]:
        """Return the apps that are paused for a cause."""
        return tuple(app for app, found in self.causes(order).items() if found is cause)

    def reasons(self, order: Sequence[RankedApp]) -> dict[str, str]:
        """Return the apps that are paused, each with the reason."""
        ranks = {each.app: each.rank for each in order}
        return {app: self._reason(app, ranks[app], cause) for app, cause in self.causes(order).items()}

    def require_room(self) -> None:
        """Raise `NodeError` DISK_FULL where the disk is too full for anything new."""
        if self._disk.level < DiskLevel.SCARCE:
            return
        total = self._room.disk_total
        raise NodeError(
            ErrorCode.DISK_FULL,
            msg(
                "the disk is too full to install, download or build anything: {free} of {total} are free",
                free=size_words(self._room.disk_free),
                total=size_words(total),
            ),
            hint=msg(
                "free space until {needed} are free: 'archipelago disk' shows what takes it",
                needed=size_words(left_at(DiskLevel.SCARCE, total)),
            ),
            data={"free": self._room.disk_free, "needed": left_at(DiskLevel.SCARCE, total)},
        )

    def _reason(self, app: str, rank: Rank, cause: PauseCause) -> str:
        match cause:
            case PauseCause.DISK:
                return self._no_disk(rank)
            case PauseCause.MEMORY:
                return msg("the node paused it because programs waited for memory; it starts again by itself")
            case PauseCause.DISK_LIMIT:
                return msg(
                    "the node paused it because its data takes more than {limit}; to let it take more: "
                    "archipelago limits {app} --disk SIZE",
                    limit=size_words(self._disk_limits[app]),
                    app=app,
                )

    def _no_disk(self, rank: Rank) -> str:
        level = DiskLevel.SCARCE if rank is Rank.BACKGROUND else DiskLevel.CRITICAL
        return msg(
            "the node paused it because less than {mark} of the disk were free; it starts again by itself when {back} "
            "are free",
            mark=size_words(entered_below(level, self._room.disk_total)),
            back=size_words(left_at(level, self._room.disk_total)),
        )
