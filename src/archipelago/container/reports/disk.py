"""Says what takes the disk."""

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from archipelago.api.system import AppDisk, DayOfDisk, DiskReport, SnapshotsDisk
from archipelago.container.data.disk_use import CountedData, DiskUse
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.performance import host


@dataclass(frozen=True, slots=True)
class DiskReporter:
    """Reads what was counted, and asks for a new count where that is old."""

    reconciler: Reconciler
    use: DiskUse
    root: Path

    async def report(self) -> DiskReport:
        """Return what is known; it never waits for a count."""
        total, free = await asyncio.to_thread(host.disk, self.root)
        counted = self.use.of_apps()
        apps = [
            self._of(app, found.record.package.manifest.name, counted.get(app))
            for app, found in self.reconciler.desired.apps.items()
        ]
        apps.sort(key=lambda each: (each.bytes is None, -each.taken, each.app))
        return DiskReport(total=total, free=free, apps=tuple(apps), counting=self.use.counting)

    def _of(self, app: str, name: str, counted: CountedData | None) -> AppDisk:
        budget = self.reconciler.desired.budgets.get(app)
        found = AppDisk(
            app=app,
            name=name,
            limit=budget.disk if budget is not None else None,
            history=tuple(DayOfDisk(day=_date(each.day), bytes=each.bytes) for each in self.use.history(app)),
        )
        if counted is None:
            return found
        size, shares = counted.snapshots.size, counted.snapshots.may_share
        snapshots = SnapshotsDisk(bytes=size.bytes, counted=size.complete, shares=shares)
        known = {"bytes": counted.bytes, "counted": counted.complete, "snapshots": snapshots, "at": counted.at}
        return found.model_copy(update=known)


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)
