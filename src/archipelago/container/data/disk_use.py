"""How much of the disk each app's volumes and snapshots take: counted seldom and slowly.

That is once a day, when somebody wants to know, and more often where an app may take only so much.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from archipelago.container.data.snapshots.sizes import SnapshotUse
from archipelago.container.namespace.client import Namespace
from archipelago.errors import NodeError
from archipelago.storage.layout import Layout
from archipelago.storage.records.disk_use import DayOfDiskUse
from archipelago.storage.stores.disk_history import DiskHistory

_FRESH = 600.0
"""Seconds for which a count will do."""
_PAUSE = 60.0
"""Least seconds between the ends of two counts: of apps that were installed meanwhile, and where one failed."""
_LONGEST = 120.0
"""Seconds for the volumes of one app, and for its snapshots; three quarters of them are pauses."""
_DAY = 86400
_LIMIT_NEAR = 0.8
"""Part of its limit from which on an app is counted as often as possible."""


@dataclass(frozen=True, slots=True)
class CountedData:
    """What the volumes and the snapshots of an app take on the disk."""

    bytes: int
    """Of the volumes."""
    complete: bool
    """Whether all of them was counted in time."""
    snapshots: SnapshotUse
    at: datetime
    steady: float
    """The same moment by the steady clock."""


class DiskUse:
    """Knows what was counted; `run` counts what is wanted."""

    def __init__(
        self,
        layout: Layout,
        namespace: Namespace,
        snapshots: Callable[[str, float], Awaitable[SnapshotUse]],
        installed: Callable[[], Collection[str]],
        steady: Callable[[], float],
        history: DiskHistory,
        limits: Callable[[], Mapping[str, int]] = lambda: {},
    ) -> None:
        """`snapshots` counts those of an app in so many seconds; `limits` are the bytes that volumes may take."""
        self._layout = layout
        self._snapshots = snapshots
        self._namespace = namespace
        self._installed = installed
        self._steady = steady
        self._history = history
        self._limits = limits
        self._counted: dict[str, CountedData] = {}
        self._tried: dict[str, float] = {}
        self._wanted = asyncio.Event()
        self._log = structlog.get_logger("disk")

    @property
    def counting(self) -> bool:
        """Whether a count is wanted and has not ended."""
        return self._wanted.is_set()

    def of_apps(self) -> Mapping[str, CountedData]:
        """Return what is known of each app, and have what is old or unknown counted."""
        if any(self._is_due(app, _FRESH) for app in self._installed()):
            self._wanted.set()
        return self.known

    @property
    def known(self) -> Mapping[str, CountedData]:
        """What is known of each app."""
        return dict(self._counted)

    @property
    def latest(self) -> Mapping[str, int]:
        """The bytes of each app that was ever counted: after a start of the node, those of an earlier day."""
        known = {app: days[-1].bytes for app in self._installed() if (days := self._history.of(app))}
        return {**known, **{app: found.bytes for app, found in self._counted.items()}}

    def history(self, app: str) -> tuple[DayOfDiskUse, ...]:
        """Return what an app took day by day, the oldest first."""
        return self._history.of(app)

    async def run(self) -> None:
        """Count when it is wanted or due, for ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PAUSE):
                    await self._wanted.wait()
            try:
                await self._count()
            except NodeError as error:
                self._log.warning("what apps take of the disk is not written down", error=str(error))
            finally:
                self._wanted.clear()

    async def _count(self) -> None:
        """Count one app after the other: a disk that is busy for all of them at once is slow for everybody."""
        installed = set(self._installed())
        self._counted = {app: found for app, found in self._counted.items() if app in installed}
        self._tried = {app: at for app, at in self._tried.items() if app in installed}
        await self._history.keep_only(installed)
        limits, asked = self._limits(), self._wanted.is_set()
        due = [app for app in installed if self._is_due(app, _FRESH if asked else self._interval(app, limits))]
        for app in sorted(due):
            try:
                path = str(self._layout.app(app).volumes)
                size, complete = await self._namespace.size(path, _LONGEST, gentle=True)
                snapshots = await self._snapshots(app, _LONGEST)
                now = datetime.now(UTC)
                self._counted[app] = CountedData(size, complete, snapshots, now, self._steady())
                await self._history.note(app, DayOfDiskUse(int(now.timestamp()) // _DAY, size))
            except NodeError as error:
                self._log.warning("what an app takes of the disk is not known", app=app, error=str(error))
            self._tried[app] = self._steady()

    def _interval(self, app: str, limits: Mapping[str, int]) -> float:
        """Return the seconds for which a count will do where nobody asks."""
        limit, found = limits.get(app), self._counted.get(app)
        if limit is None:
            return _DAY
        return _PAUSE if found is not None and found.bytes > _LIMIT_NEAR * limit else _FRESH

    def _is_due(self, app: str, fresh: float) -> bool:
        now, tried, found = self._steady(), self._tried.get(app), self._counted.get(app)
        if tried is not None and now - tried < _PAUSE:
            return False
        return found is None or now - found.steady >= fresh
