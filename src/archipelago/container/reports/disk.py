"""Says what takes the disk."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from archipelago.api.system import AppDisk, DiskReport, SnapshotsDisk
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
            _of(app, found.record.package.manifest.name, counted.get(app))
            for app, found in self.reconciler.desired.apps.items()
        ]
        apps.sort(key=lambda each: (each.bytes is None, -each.taken, each.app))
        return DiskReport(total=total, free=free, apps=tuple(apps), counting=self.use.counting)


def _of(app: str, name: str, counted: CountedData | None) -> AppDisk:
    if counted is None:
        return AppDisk(app=app, name=name)
    snapshots = counted.snapshots
    return AppDisk(
        app=app,
        name=name,
        bytes=counted.bytes,
        counted=counted.complete,
        snapshots=SnapshotsDisk(
            bytes=snapshots.size.bytes, counted=snapshots.size.complete, shares=snapshots.may_share
        ),
        at=counted.at,
    )
