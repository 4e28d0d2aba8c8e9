"""How much of the disk each app's volumes and snapshots take: counted seldom, slowly, and only when it is asked for."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from archipelago.container.data.snapshots.sizes import SnapshotUse
from archipelago.container.namespace.client import Namespace
from archipelago.errors import NodeError
from archipelago.storage.layout import Layout

_FRESH = 600.0
"""Seconds for which a count will do."""
_PAUSE = 60.0
"""Least seconds between the ends of two counts: of apps that were installed meanwhile, and where one failed."""
_LONGEST = 120.0
"""Seconds for the volumes of one app, and for its snapshots; three quarters of them are pauses."""


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
    ) -> None:
        """`snapshots` counts those of an app, in so many seconds."""
        self._layout = layout
        self._snapshots = snapshots
        self._namespace = namespace
        self._installed = installed
        self._steady = steady
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
        if any(map(self._is_due, self._installed())):
            self._wanted.set()
        return dict(self._counted)

    async def run(self) -> None:
        """Count when it is wanted, for ever."""
        while True:
            await self._wanted.wait()
            try:
                await self._count()
            finally:
                self._wanted.clear()

    async def _count(self) -> None:
        """Count one app after the other: a disk that is busy for all of them at once is slow for everybody."""
        installed = set(self._installed())
        self._counted = {app: found for app, found in self._counted.items() if app in installed}
        self._tried = {app: at for app, at in self._tried.items() if app in installed}
        for app in sorted(filter(self._is_due, installed)):
            try:
                path = str(self._layout.app(app).volumes)
                size, complete = await self._namespace.size(path, _LONGEST, gentle=True)
                snapshots = await self._snapshots(app, _LONGEST)
                self._counted[app] = CountedData(size, complete, snapshots, datetime.now(UTC), self._steady())
            except NodeError as error:
                self._log.warning("what an app takes of the disk is not known", app=app, error=str(error))
            self._tried[app] = self._steady()

    def _is_due(self, app: str) -> bool:
        now, tried, found = self._steady(), self._tried.get(app), self._counted.get(app)
        if tried is not None and now - tried < _PAUSE:
            return False
        return found is None or now - found.steady >= _FRESH
