"""Brings copies of streamed files back from a target, for an app that is installed from a backup there."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from archipelago.api.backups import FolderTarget
from archipelago.backups.folder_proofs import FolderProofs
from archipelago.backups.lease_tags import claims_of
from archipelago.container.data.stream_copies import bring_copies, copies_in
from archipelago.container.operations.backup_work import BackupWork
from archipelago.storage.layout import AppFolder


async def bring_streams_back(work: BackupWork, app: str, target: str) -> None:
    """Have the copies that a target has be on this machine as well, in `apps/APP/streams`. Raises `NodeError`.

    They may be newer than what is in the backup; none of them goes into a volume.
    """
    record, streams = await work.targets.get(target), work.layout.app(app).streams
    if isinstance(record.target, FolderTarget):
        proofs = FolderProofs(Path(record.target.path), work.secrets)
        await asyncio.to_thread(_read_folder, proofs, app, streams)
        return
    repository = await work.repository(record)
    note = next((each for each in await repository.notes(app) if not claims_of(each.tags.items())), None)
    if note is None:
        return
    place = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=work.layout.temporary))
    try:
        await repository.restore(note.id, place, ("/streams",))
        await asyncio.to_thread(_read_note, AppFolder(place).streams, streams)
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, place, ignore_errors=True))


def _read_folder(proofs: FolderProofs, app: str, streams: Path) -> None:
    for volume in proofs.volumes(app):
        bring_copies(streams / volume, {each: proofs.read(app, volume, each) for each in proofs.copies(app, volume)})


def _read_note(found: Path, streams: Path) -> None:
    for folder in sorted(found.iterdir()) if found.is_dir() else ():
        bring_copies(streams / folder.name, {each: (folder / each.name).read_bytes() for each in copies_in(folder)})
