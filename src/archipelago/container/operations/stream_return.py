"""Brings copies of streamed files back from a target, for an app that is installed from a backup there."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import structlog

from archipelago.api.backups import FolderTarget
from archipelago.backups.copy_tags import newest_notes
from archipelago.backups.folder_proofs import FolderProofs
from archipelago.backups.lease_tags import claims_of
from archipelago.backups.remote.remote_proofs import RemoteProofs
from archipelago.backups.repository import Repository
from archipelago.container.data.stream_copies import LARGEST, bring_copy, copies_in, read_from_disk
from archipelago.container.operations.backup_work import BackupWork
from archipelago.storage.layout import AppFolder

_log = structlog.get_logger("streams")


async def bring_streams_back(work: BackupWork, app: str, target: str) -> None:
    """Have the copies that a target has be on this machine as well, in `apps/APP/streams`.

    They may be newer than what is in the backup; none of them goes into a volume. What cannot be read is logged: the
    volumes of the app are back already, and it needs the copies only where these are damaged.
    """
    with _logged(app, target=target):
        record, streams = await work.targets.get(target), work.layout.app(app).streams
        if isinstance(record.target, FolderTarget):
            proofs = FolderProofs(Path(record.target.path), work.secrets)
            await asyncio.to_thread(_read_folder, proofs, app, streams)
            return
        await _read_remote(await work.remote_proofs(record), work.layout.temporary, app, streams)
        # Earlier versions wrote notes, and so does this one where a service takes no other files.
        repository = await work.repository(record)
        files = [each for each in await repository.notes(app) if not claims_of(each.tags.items())]
        for note in newest_notes(files):
            await _read_note(repository, note, work.layout.temporary, app, streams)


@contextlib.contextmanager
def _logged(app: str, **where: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # what is a mistake of ours must not keep an app from its restore either
        _log.error("a proof of money is not brought back", app=app, **where, why=str(error))


async def _read_remote(proofs: RemoteProofs, temporary: Path, app: str, streams: Path) -> None:
    place = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=temporary))
    try:
        with _logged(app):
            await asyncio.to_thread(_read_folder, await proofs.fetch(app, place), app, streams)
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, place, ignore_errors=True))


def _read_folder(proofs: FolderProofs, app: str, streams: Path) -> None:
    for volume in proofs.volumes(app):
        with _logged(app, volume=volume):
            for file in proofs.files(app, volume):
                with _logged(app, file=str(file.path)):
                    bring_copy(streams / volume, file.copy, proofs.read(file))


async def _read_note(repository: Repository, note: str, temporary: Path, app: str, streams: Path) -> None:
    place = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=temporary))
    try:
        with _logged(app, note=note):
            await repository.restore(note, place, ("/streams",))
        # Where a part of the note is damaged, restic brings the others.
        await asyncio.to_thread(_read_restored, AppFolder(place).streams, app, streams)
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, place, ignore_errors=True))


def _read_restored(found: Path, app: str, streams: Path) -> None:
    with _logged(app):
        for folder in sorted(found.iterdir()) if found.is_dir() else ():
            with _logged(app, volume=folder.name):
                for copy in copies_in(folder):
                    with _logged(app, volume=folder.name, file=copy.name):
                        bring_copy(streams / folder.name, copy, read_from_disk(folder / copy.name, LARGEST))
