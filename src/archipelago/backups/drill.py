"""Proves that backups can be restored: by doing it, into a scratch directory.

restic compares every file that it has written with the repository (`--verify`), and SQLite checks each database. The
app itself is not started.
"""

import asyncio
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from archipelago.api.backups import ProofView
from archipelago.backups.reader import BackupReader, read_manifest
from archipelago.backups.repository import Repository
from archipelago.errors import NodeError
from archipelago.support.texts.text import msg


@dataclass(frozen=True, slots=True)
class Drill:
    """Restores a backup of an app to look whether that works."""

    reader: BackupReader

    async def run(self, repository: Repository, app: str, backup: str) -> ProofView:
        """Return what came of it; a backup that cannot be restored is no error here."""
        place, started = self.reader.layout.app(app).backup / "drill", time.monotonic()
        files = databases = 0
        problem, tried = "", True
        try:
            await self.reader.namespace.remove(str(place.parent))
            await asyncio.to_thread(lambda: place.mkdir(mode=0o700, parents=True))
            size, files = await repository.size(backup)
            if size > (await asyncio.to_thread(shutil.disk_usage, place)).free // 2:
                problem, tried = msg("there is too little room on this disk to try it"), False
            else:
                databases = await self._prove(repository, app, backup, place)
        except NodeError as error:
            problem = error.message
        finally:
            await asyncio.shield(self.reader.namespace.remove(str(place.parent)))
        return ProofView(
            at=datetime.now(UTC),
            passed=not problem,
            tried=tried,
            seconds=round(time.monotonic() - started, 1),
            files=files,
            databases=databases,
            problem=problem,
        )

    async def _prove(self, repository: Repository, app: str, backup: str, place: Path) -> int:
        await repository.restore(backup, place, verify=True)
        manifest = await asyncio.to_thread(read_manifest, place, app)
        await self.reader.unpack(place, manifest, manifest.first_id)
        return await self.reader.prove(place, manifest)
