"""Prepares what a backup of an app is made of, and writes it.

What is prepared is of one moment each; what is read in place while restic writes is only what may be read while its app
writes. So nobody has to be kept off the app while restic writes, as long as it is known afterwards whether the app is
still the same (`operations/jobs/backup`).
"""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from archipelago.api.backups import VolumeWay
from archipelago.backups.backup_sources import BackupSources
from archipelago.backups.contents import COMPANIONS, DUMP_FORMAT, PLAIN_FORMAT, BackupManifest, Names, Recipe
from archipelago.backups.databases import Databases
from archipelago.backups.dumps.commands import ServerDatabase
from archipelago.backups.dumps.writer import Dumped, DumpWriter
from archipelago.backups.repository import Repository
from archipelago.backups.restic.says import ByteCount, Written
from archipelago.container.manifest.model.scalars import IDS_PER_APP
from archipelago.container.namespace.client import Namespace
from archipelago.container.workload.workload import Workload
from archipelago.storage.layout import Layout
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.snapshots import record_to_json
from archipelago.support.presence import is_there
from archipelago.support.private_files import reported, write_atomically
from archipelago.support.texts.text import msg

NODE = "node"
"""Folder in a backup of what the node adds to the app's own files."""
DUMPS = "dumps"
"""Folder in it of the dumps of servers."""
SECRETS = "secrets"
"""Folder in a backup of the app's secrets, which are sealed."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A backup that only has to be written."""

    recipe: Recipe
    binds: Mapping[str, str]
    """Place in the backup -> directory."""
    copied: Mapping[str, tuple[Names, ...]]
    """Volume -> databases of SQLite that were copied."""
    new_files: bool
    """Whether volumes are copies, whose files are others each time."""


@dataclass(frozen=True, slots=True)
class BackupMaker:
    """Makes backups of apps. Raises `NodeError`; nothing is left of what it prepared."""

    layout: Layout
    namespace: Namespace
    databases: Databases
    dumps: DumpWriter

    @contextlib.asynccontextmanager
    async def staging(self, app: str, name: str) -> AsyncIterator[Path]:
        """Yield an empty folder for what is prepared; `name` is that of no other backup. It is deleted at the end."""
        folder = self.layout.app(app).backup_at(name)
        await self.namespace.remove(str(folder))  # of before a crash
        try:
            await asyncio.to_thread(_make, folder / NODE)
            yield folder
        finally:
            await asyncio.shield(self.clean(app, name))

    async def clean(self, app: str, name: str) -> None:
        """Delete what a backup of an app prepared."""
        backup = self.layout.app(app).backup
        await self.namespace.remove(str(self.layout.app(app).backup_at(name)))
        with contextlib.suppress(OSError):  # others are in it, or it is gone
            await asyncio.to_thread(backup.rmdir)

    async def dump(self, recipe: Recipe, workload: Workload | None, staging: Path) -> Recipe:
        """Have the servers of an app write their dumps, and return what of it has to be copied instead."""
        dumps: dict[str, str] = {}
        why: dict[str, str] = {}
        for each in recipe.of_way(VolumeWay.DUMP):
            name, database = each.volume.name, each.volume.declared.database
            assert isinstance(database, ServerDatabase), "it has a server"
            if workload is None:
                why[name] = msg("the app does not run")
                continue
            await asyncio.to_thread(_make, staging / NODE / DUMPS)
            found = await self.dumps.write(workload, name, database, staging / NODE / DUMPS)
            if isinstance(found, Dumped):
                dumps[name] = found.file
            else:
                why[name] = found.why
        volumes = (replace(each, way=VolumeWay.STOPPED) if each.volume.name in why else each for each in recipe.volumes)
        return replace(recipe, volumes=tuple(volumes), dumps=dumps, stopped_because=why)

    async def prepare(self, recipe: Recipe, staging: Path, copies: Mapping[str, Path]) -> Prepared:
        """Copy what must not be read while its app writes; `copies` are directories that stand for volumes."""
        folder = self.layout.app(recipe.record.app)
        copied = await self._copy_databases(recipe, staging)
        await asyncio.to_thread(_describe, recipe, copied, staging / NODE)
        binds = {
            f"volumes/{each.volume.name}": str(folder.volume(each.volume.name))
            for each in recipe.volumes
            if each.way is not VolumeWay.DUMP
        }
        binds |= {f"volumes/{name}": str(path) for name, path in copies.items()}
        binds[NODE] = str(staging / NODE)
        if await asyncio.to_thread(_copy_secrets, folder.secrets, staging / SECRETS):
            binds[SECRETS] = str(staging / SECRETS)
        return Prepared(recipe, binds, copied, new_files=bool(copies))

    async def write(
        self, prepared: Prepared, repository: Repository, on_progress: Callable[[ByteCount], None]
    ) -> Written:
        """Write a backup."""
        record, root = prepared.recipe.record, self.layout.backup_view
        excluded = [
            ("volumes", volume, *names[:-1], names[-1] + companion)
            for volume, databases in prepared.copied.items()
            for names in databases
            for companion in COMPANIONS
        ]
        await asyncio.to_thread(root.mkdir, 0o711, exist_ok=True)
        sources = BackupSources(str(root), record.app, prepared.binds, excluded, copied=prepared.new_files)
        tags = {"app": record.app, "version": record.package.manifest.version.replace(",", ".")}
        return await repository.write(sources, tags, on_progress)

    async def _copy_databases(self, recipe: Recipe, staging: Path) -> Mapping[str, tuple[Names, ...]]:
        """Copy the databases that are there, and return them."""
        folder, found = self.layout.app(recipe.record.app), {}
        for volume, databases in recipe.databases.items():
            out = staging / NODE / "sqlite" / volume
            await asyncio.to_thread(_make, out)
            found[volume] = await self.databases.copy(
                recipe.record.app, first_id(recipe.record), folder.volume(volume), out, databases
            )
        return found


def first_id(record: AppRecord) -> int:
    """Return the first of an app's user ids, as the user namespace counts them."""
    return 1 + record.slot * IDS_PER_APP


def _describe(recipe: Recipe, copied: Mapping[str, tuple[Names, ...]], place: Path) -> None:
    record = recipe.record
    manifest = BackupManifest(
        format=DUMP_FORMAT if recipe.dumps else PLAIN_FORMAT,
        app=record.app,
        version=record.package.manifest.version,
        package=record.package.package_digest(),
        at=recipe.at,
        first_id=first_id(record),
        volumes={each.volume.name: each.way for each in recipe.volumes},
        databases=copied,
        dumps=recipe.dumps,
        stopped_because=recipe.stopped_because,
        left_out=recipe.left_out,
    )
    with reported(place):
        write_atomically(place / "record.json", record_to_json(record).encode())
        write_atomically(place / "manifest.json", f"{manifest.model_dump_json()}\n".encode())


def _copy_secrets(folder: Path, to: Path) -> bool:
    """Copy the secrets, which may change while restic writes; return whether there are any."""
    if not is_there(folder):
        return False
    with reported(to):
        to.mkdir(mode=0o700)
        for path in folder.glob("*.age"):
            shutil.copy2(path, to / path.name)
    return True


def _make(folder: Path) -> None:
    with reported(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
