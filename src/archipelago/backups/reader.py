"""Brings backups back: as snapshots of apps, from which the app is put back as from any other snapshot."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archipelago.backups.contents import DUMP_FORMAT, BackupFormat, BackupManifest, Names
from archipelago.backups.databases import Databases
from archipelago.backups.maker import DUMPS, NODE, first_id
from archipelago.backups.programs import program
from archipelago.backups.repository import Repository
from archipelago.backups.restic.launch import Launch, Order
from archipelago.backups.restic.says import ByteCount
from archipelago.container.data.data_classes import funds_volumes
from archipelago.container.data.kept import read_about
from archipelago.container.manifest.model.scalars import IDS_PER_APP
from archipelago.container.namespace.client import Namespace
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout, SnapshotFolder
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.snapshots import SnapshotKind, SnapshotRecord, record_from_json
from archipelago.support.private_files import reported, write_atomically
from archipelago.support.texts.text import msg


@dataclass(frozen=True, slots=True)
class BackupReader:
    """Reads backups. Raises `NodeError`; nothing is left of what is cancelled."""

    layout: Layout
    namespace: Namespace
    databases: Databases
    launch: Launch = field(repr=False)
    python: str

    async def record(self, repository: Repository, backup: str, app: str) -> tuple[BackupManifest, str]:
        """Return what a backup says of itself, and the record of the app in it, as JSON."""
        place = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self.layout.temporary))
        try:
            await repository.restore(backup, place, (f"/{NODE}/manifest.json", f"/{NODE}/record.json"))
            return await asyncio.to_thread(read_description, place / NODE, app)
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, place, ignore_errors=True))

    async def fetch(
        self,
        repository: Repository,
        backup: str,
        record: AppRecord,
        name: str,
        on_progress: Callable[[ByteCount], None],
    ) -> SnapshotRecord:
        """Make a snapshot of a backup; `record` is of the app that gets it. One that is there is returned.

        Volumes of which the backup has a dump are still to be made (`SnapshotFolder.dumps`).
        """
        place = self.layout.app(record.app).snapshot(name)
        if (found := await asyncio.to_thread(read_about, place)) is not None:
            return found
        await self.namespace.remove(str(place.path))
        try:
            await asyncio.to_thread(_make, place.path)
            await repository.restore_all(backup, place.path, on_progress)
            manifest, text = await self.unpacked(place, record)
            about = SnapshotRecord(
                kind=SnapshotKind.BACKUP,
                at=manifest.at,
                version=manifest.version,
                package=manifest.package,
                volumes={volume: way.value for volume, way in manifest.volumes.items()},
                left_out=manifest.left_out,
                funds=bool(funds_volumes(_package(text, record))),
            )
            await self.namespace.remove(str(place.path / NODE))
            await asyncio.to_thread(_finish, place, text, about)
        except BaseException:
            await asyncio.shield(self.namespace.remove(str(place.path)))
            raise
        return about

    async def unpacked(self, place: SnapshotFolder, record: AppRecord) -> tuple[BackupManifest, str]:
        """Put what restic has restored into its places; return what it says of itself, and its record as JSON.

        Its files get the ids that the app has now, as `record` says.
        """
        manifest, text = await asyncio.to_thread(read_description, place.path / NODE, record.app)
        await self._unpack(place.path, manifest, first_id(record))
        await asyncio.to_thread(_take_dumps, place, manifest)
        return manifest, text

    async def _unpack(self, folder: Path, manifest: BackupManifest, first: int) -> None:
        order: Mapping[str, Any] = {
            "folder": str(folder),
            "databases": _plain(manifest.databases),
            "shift": first - manifest.first_id,
            "ids": [manifest.first_id, IDS_PER_APP],
        }
        command = (self.python, "-I", "-c", await asyncio.to_thread(program, "unpack"), json.dumps(order))
        ended = await self.launch(Order(command), lambda _: None)
        if ended.code != 0:
            raise _damaged(manifest.app, ended.errors.strip().rpartition("\n")[2])

    async def prove(self, place: SnapshotFolder, manifest: BackupManifest, record: AppRecord) -> int:
        """Have SQLite check the databases of what was unpacked; return how many there were."""
        found = 0
        for volume, databases in manifest.databases.items():
            checked = await self.databases.check(manifest.app, first_id(record), place.volume(volume), databases)
            if len(checked) != len(databases):
                raise _damaged(manifest.app, msg("a database is missing in volume {volume}", volume=volume))
            found += len(checked)
        return found


def _take_dumps(place: SnapshotFolder, manifest: BackupManifest) -> None:
    missing = [name for name in manifest.dumps.values() if not (place.path / NODE / DUMPS / name).is_file()]
    if missing:
        raise _damaged(manifest.app, msg("the dump {name} is missing", name=missing[0]))
    if manifest.dumps:
        with reported(place.path):
            (place.path / NODE / DUMPS).rename(place.dumps)


def read_description(place: Path, app: str) -> tuple[BackupManifest, str]:
    """Return what a backup says of itself in its folder `node`, and its record as JSON. Raises `NodeError`."""
    try:
        said = (place / "manifest.json").read_bytes()
        text = (place / "record.json").read_text()
        # First: what a newer version says may mean nothing here.
        if BackupFormat.model_validate_json(said).format > DUMP_FORMAT:
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("this backup of {app} was made by a newer version of Archipelago", app=app),
                hint=msg("update the node first"),
            )
        manifest = BackupManifest.model_validate_json(said)
    except (OSError, ValueError) as error:
        raise _damaged(app, str(error)[:200]) from error
    if manifest.app != app:
        raise _damaged(app, msg("it is of {other}", other=manifest.app))
    return manifest, text


def _package(text: str, now: AppRecord) -> AppRecord:
    try:
        return record_from_json(text, now)
    except (ValueError, LookupError, TypeError) as error:
        raise _damaged(now.app, str(error)[:200]) from error


def _damaged(app: str, why: str) -> NodeError:
    return NodeError(
        ErrorCode.INTERNAL,
        msg("the backup of {app} cannot be used: {why}", app=app, why=why),
        hint=msg("restore another one: 'archipelago backup list' shows them"),
        data={"app": app},
    )


def _plain(databases: Mapping[str, tuple[Names, ...]]) -> dict[str, list[list[str]]]:
    return {volume: [list(names) for names in found] for volume, found in databases.items()}


def _make(folder: Path) -> None:
    with reported(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _finish(place: SnapshotFolder, text: str, about: SnapshotRecord) -> None:
    with reported(place.path):
        for folder in (place.volumes, place.secrets):
            folder.mkdir(mode=0o700, exist_ok=True)
        write_atomically(place.record, text.encode())
        # Last: without it there is no snapshot.
        write_atomically(place.about, f"{about.model_dump_json()}\n".encode())
