"""Restores backups into a scratch directory, to prove that this can be done.

restic compares every file that it has written with the repository (`--verify`), and SQLite checks each database. The
job goes on from there (`operations/jobs/drill`): it has dumps loaded, and the app come up.
"""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass

from archipelago.backups.contents import BackupManifest
from archipelago.backups.reader import BackupReader
from archipelago.backups.repository import Repository
from archipelago.storage.layout import SnapshotFolder
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.snapshots import record_from_json


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back of a backup."""

    record: AppRecord
    """The app as it was, with the ids that it has now."""
    files: int
    databases: int
    """Of SQLite, checked."""
    dumps: int
    """That are still to be loaded."""
    manifest: BackupManifest


@dataclass(frozen=True, slots=True)
class Drill:
    """Restores a backup of an app to look whether that works."""

    reader: BackupReader

    @contextlib.asynccontextmanager
    async def scratch(self, app: str, backup: str) -> AsyncIterator[SnapshotFolder]:
        """Yield an empty folder on the disk of the app; nothing of it is left. Raises `NodeError`."""
        folder = self.reader.layout.app(app)
        place = SnapshotFolder(folder.backup_at(f"drill-{backup[:16]}"))
        await self.reader.namespace.remove(str(place.path))  # of before a crash
        try:
            await asyncio.to_thread(place.path.mkdir, 0o700, parents=True)
            yield place
        finally:
            await asyncio.shield(self.reader.namespace.remove(str(place.path)))
            with contextlib.suppress(OSError):  # a backup is being made there, or it is gone
                await asyncio.to_thread(folder.backup.rmdir)

    async def has_room(self, repository: Repository, backup: str, place: SnapshotFolder) -> bool:
        """Return whether there is room for it: a trial takes no more than half of what is free."""
        size, _ = await repository.size(backup)
        return size <= (await asyncio.to_thread(shutil.disk_usage, place.path)).free // 2

    async def restore(self, repository: Repository, backup: str, place: SnapshotFolder, now: AppRecord) -> Restored:
        """Restore a backup, and check what came back; `now` is the record of the app. Raises `NodeError`."""
        _, files = await repository.size(backup)
        await repository.restore(backup, place.path, verify=True)
        manifest, text = await self.reader.unpacked(place, now)
        databases = await self.reader.prove(place, manifest, now)
        return Restored(record_from_json(text, now), files, databases, len(manifest.dumps), manifest)
