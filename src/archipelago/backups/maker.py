"""Prepares what a backup of an app is made of, and writes it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from archipelago.api.backups import VolumeWay
from archipelago.backups.contents import COMPANIONS, BackupManifest, Names, VolumeSource
from archipelago.backups.databases import Databases
from archipelago.backups.repository import BackupSources, Repository
from archipelago.backups.restic.says import WriteProgress, Written
from archipelago.container.manifest.model.scalars import IDS_PER_APP
from archipelago.container.namespace.client import Namespace
from archipelago.storage.layout import Layout
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.snapshots import record_to_json
from archipelago.support.presence import is_there
from archipelago.support.private_files import reported, write_atomically

NODE = "node"
"""Folder in a backup of what the node adds to the app's own files."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a backup of an app is made of."""

    record: AppRecord
    volumes: tuple[VolumeSource, ...]
    """Those that are there."""
    databases: Mapping[str, tuple[Names, ...]]
    """Volume -> databases of SQLite in it."""
    left_out: Mapping[str, str]
    at: datetime

    @property
    def stopped(self) -> tuple[VolumeSource, ...]:
        """The volumes that are copied while the app is stopped."""
        return tuple(each for each in self.volumes if each.way is VolumeWay.STOPPED)


@dataclass(frozen=True, slots=True)
class BackupMaker:
    """Makes backups of apps, one at a time for each app. Raises `NodeError`; nothing is left of what it prepared."""

    layout: Layout
    namespace: Namespace
    databases: Databases

    async def write(
        self,
        recipe: Recipe,
        repository: Repository,
        copies: Mapping[str, Path],
        on_progress: Callable[[WriteProgress], None],
    ) -> Written:
        """Write a backup; `copies` are directories that stand for volumes."""
        app = recipe.record.app
        folder = self.layout.app(app)
        await self.clean(app)
        try:
            await asyncio.to_thread(_make, folder.backup / NODE)
            copied = await self._copy_databases(recipe)
            await asyncio.to_thread(self._describe, recipe, copied)
            binds = {f"volumes/{each.volume.name}": str(folder.volume(each.volume.name)) for each in recipe.volumes}
            binds |= {f"volumes/{name}": str(path) for name, path in copies.items()}
            binds[NODE] = str(folder.backup / NODE)
            if await asyncio.to_thread(is_there, folder.secrets):
                binds["secrets"] = str(folder.secrets)
            excluded = [
                ("volumes", volume, *names[:-1], names[-1] + companion)
                for volume, databases in copied.items()
                for names in databases
                for companion in COMPANIONS
            ]
            root = self.layout.backup_view
            await asyncio.to_thread(root.mkdir, 0o711, exist_ok=True)
            sources = BackupSources(str(root), app, binds, excluded, copied=bool(copies))
            tags = {"app": app, "version": recipe.record.package.manifest.version.replace(",", ".")}
            return await repository.write(sources, tags, on_progress)
        finally:
            await asyncio.shield(self.clean(app))

    async def clean(self, app: str) -> None:
        """Delete what a backup of an app prepared."""
        await self.namespace.remove(str(self.layout.app(app).backup))

    async def _copy_databases(self, recipe: Recipe) -> Mapping[str, tuple[Names, ...]]:
        """Copy the databases that are there, and return them."""
        folder, found = self.layout.app(recipe.record.app), {}
        for volume, databases in recipe.databases.items():
            out = folder.backup / NODE / "sqlite" / volume
            await asyncio.to_thread(_make, out)
            found[volume] = await self.databases.copy(
                recipe.record.app, first_id(recipe.record), folder.volume(volume), out, databases
            )
        return found

    def _describe(self, recipe: Recipe, copied: Mapping[str, tuple[Names, ...]]) -> None:
        record, place = recipe.record, self.layout.app(recipe.record.app).backup / NODE
        manifest = BackupManifest(
            app=record.app,
            version=record.package.manifest.version,
            package=record.package.package_digest(),
            at=recipe.at,
            first_id=first_id(record),
            volumes={each.volume.name: each.way for each in recipe.volumes},
            databases=copied,
            left_out=recipe.left_out,
        )
        with reported(place):
            write_atomically(place / "record.json", record_to_json(record).encode())
            write_atomically(place / "manifest.json", f"{manifest.model_dump_json()}\n".encode())


def first_id(record: AppRecord) -> int:
    """Return the first of an app's user ids, as the user namespace counts them."""
    return 1 + record.slot * IDS_PER_APP


def _make(folder: Path) -> None:
    with reported(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
