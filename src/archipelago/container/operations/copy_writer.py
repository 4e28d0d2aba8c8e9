"""Writes copies of streamed files to a target of backups, and reads them back."""

import asyncio
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import structlog

from archipelago.api.backups import FolderTarget
from archipelago.backups.copy_tags import copy_tags
from archipelago.backups.folder_proofs import FolderProofs
from archipelago.backups.remote.objects import StoreRefused
from archipelago.backups.remote.remote_proofs import Listing, NewCopy, RemoteProofs
from archipelago.backups.repository import Repository
from archipelago.backups.targets import TargetRecord
from archipelago.container.data.stream_copies import StreamCopy, read_copy, require_whole
from archipelago.container.operations.backup_work import BackupWork
from archipelago.errors import NodeError
from archipelago.storage.records.apps import AppRecord

_log = structlog.get_logger("notes")


class CopyWriter:
    """Knows what is there already."""

    def __init__(self, work: BackupWork) -> None:
        self._work = work
        self._there: dict[tuple[str, str], Listing] = {}
        """By app and repository at a target that is no folder: names of the copies there."""

    async def write(self, record: AppRecord, target: TargetRecord, newest: Mapping[str, StreamCopy]) -> None:
        """Write the newest copy of each volume of an app. Raises `NodeError`."""
        app, installation = record.app, installation_of(record)
        folder = self._work.layout.app(app).streams
        repository = await self._work.repository(target)
        if isinstance(target.target, FolderTarget):
            # Not `open`: a backup that is being written has locks, and no copy waits for these.
            await repository.require_known()
            proofs = FolderProofs(Path(target.target.path), self._work.secrets)
            for volume, copy in newest.items():
                content = await asyncio.to_thread(read_copy, folder / volume / copy.name)
                await asyncio.to_thread(proofs.write, app, volume, installation, content, copy)
        else:
            await self._write_remotely(repository, target, record, newest)

    async def _write_remotely(
        self, repository: Repository, target: TargetRecord, record: AppRecord, newest: Mapping[str, StreamCopy]
    ) -> None:
        """Write copies to a target that is no folder. Raises `NodeError`."""
        try:
            await self._write_proofs(repository, await self._work.remote_proofs(target), record, newest)
        except StoreRefused as error:
            # restic knows more of odd services than the node does, and of a copy that is late nothing is lost.
            _log.warning("a copy is written by restic, which takes longer", target=target.name, why=str(error))
            await self._note_copies(repository, record, newest)

    async def _write_proofs(
        self, repository: Repository, proofs: RemoteProofs, record: AppRecord, newest: Mapping[str, StreamCopy]
    ) -> None:
        """Write copies beside a repository. Raises `NodeError`.

        Which repository is there, restic is asked for once; from then on its file `config` says so, like no other.
        """
        folder = self._work.layout.app(record.app).streams
        copies = [
            NewCopy(volume, await asyncio.to_thread(read_copy, folder / volume / copy.name), copy)
            for volume, copy in newest.items()
        ]
        key = (record.app, repository.known)
        there = self._there.pop(key, {})  # what is not known after a failure is listed again

        async def write() -> bytes:
            known = there if newest.keys() <= there.keys() else await proofs.list(record.app, tuple(newest))
            config, self._there[key] = await proofs.write(record.app, installation_of(record), copies, known)
            return config

        writing = asyncio.create_task(write())
        try:
            if repository.known not in repository.seen:
                await repository.require_known()
            config = await writing
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        if repository.seen.setdefault(repository.known, config) != config:
            repository.seen.pop(repository.known, None)  # it may only have a new file: restic knows
            await repository.require_known()
            repository.seen[repository.known] = config

    async def _note_copies(self, repository: Repository, record: AppRecord, newest: Mapping[str, StreamCopy]) -> None:
        """Have restic write copies to a target that takes no files, and read them back. Raises `NodeError`."""
        await repository.require_known()
        app, root = record.app, self._work.layout.backup_view
        tags = copy_tags(installation_of(record), {volume: copy.number for volume, copy in newest.items()})
        sources = {"streams": str(self._work.layout.app(app).streams)}
        await asyncio.to_thread(root.mkdir, 0o711, exist_ok=True)
        try:
            note = await repository.note(sources, str(root), app, tags)
        except NodeError:
            await repository.open()  # a lock that a crash left may be in the way
            note = await repository.note(sources, str(root), app, tags)
        await self._read_back(repository, note, newest)

    async def _read_back(self, repository: Repository, note: str, copies: Mapping[str, StreamCopy]) -> None:
        """Raise `NodeError` where a note does not hold these copies."""
        place = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self._work.layout.temporary))
        paths = {f"/streams/{volume}/{copy.name}": copy for volume, copy in copies.items()}
        try:
            await repository.read_back(note, place, tuple(paths))
            for path, copy in paths.items():
                await asyncio.to_thread(require_whole, place / path[1:], copy)
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, place, ignore_errors=True))


def installation_of(record: AppRecord) -> str:
    """Return what no other installation of an app has, here or on another node: when it was, in microseconds. Pure."""
    return str(round(record.installed_at * 1_000_000))
