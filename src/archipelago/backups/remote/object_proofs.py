"""Copies of streamed files as objects of a storage service, beside the repository there.

They are the same files as in a folder (`folder_proofs`), written and read back over one connection: each run of restic
takes a second or more to open the repository alone.
"""

import asyncio
import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from archipelago.backups.folder_proofs import PROOFS, FolderProofs, placed, proofs_named
from archipelago.backups.remote.objects import ObjectSession, ObjectStore
from archipelago.backups.remote.remote_proofs import CONFIG, Listing, NewCopy
from archipelago.backups.restic.says import failure
from archipelago.container.data.stream_copies import require_content
from archipelago.errors import NodeError
from archipelago.security.secrets.manager import Sealer
from archipelago.storage.layout import named
from archipelago.support.private_files import make_folder, reported, write_atomically

_log = structlog.get_logger("streams")


@dataclass(frozen=True, slots=True)
class ObjectProofs:
    """Writes and reads the copies in one store. Raises `NodeError`."""

    store: ObjectStore
    where: str
    """For people."""
    sealer: Sealer

    async def list(self, app: str, volumes: Iterable[str]) -> Listing:
        """Return the names of what is there."""
        async with self.store.session() as session:
            there = await session.paths(f"{PROOFS}/{named(app)}")
        return {volume: tuple(_names(there, app, volume)) for volume in volumes}

    async def write(
        self, app: str, installation: str, copies: Sequence[NewCopy], there: Listing
    ) -> tuple[bytes, Listing]:
        """Write copies, read them back, and delete spent ones; see `RemoteProofs`."""
        for each in copies:
            require_content(each.content, each.copy, Path(each.volume))
        now: dict[str, tuple[str, ...]] = {}
        async with self.store.session() as session:
            configs = []
            for each in copies:
                config, now[each.volume] = await self._write(
                    session, app, installation, each, there.get(each.volume, ())
                )
                configs.append(config)
        return configs[-1], now

    async def fetch(self, app: str, place: Path) -> FolderProofs:
        """Bring all copies of an app into a folder of this machine, and return what reads them there."""
        async with self.store.session() as session:
            for path in await session.paths(f"{PROOFS}/{named(app)}"):
                if _is_proof(path, app):
                    await self._fetch(session, path, place)
        return FolderProofs(place, self.sealer)

    async def _fetch(self, session: ObjectSession, path: str, place: Path) -> None:
        """Bring one copy; one that cannot be read keeps no other away."""
        try:
            content = await session.get(path)
        except NodeError as error:
            _log.error("a copy cannot be read", where=self.where, file=path, why=error.message)
            return
        if content is not None:
            await asyncio.to_thread(_store, place / path, content)

    async def _write(
        self, session: ObjectSession, app: str, installation: str, new: NewCopy, names: Sequence[str]
    ) -> tuple[bytes, tuple[str, ...]]:
        """Have one copy be there; return the file `config` of the repository, and the names in the folder then."""
        folder = f"{PROOFS}/{named(app)}/{named(new.volume)}"
        written, spent = placed(proofs_named(Path(folder), names), Path(folder), installation, new.copy)
        path = f"{folder}/{written.path.name}"
        if written.path.name in names and await self._is_whole(session, path, new.content):
            config = await session.get(CONFIG)
        else:
            config = await self._put(session, path, new, app)
        if config is None:
            raise failure(1, "Fatal: unable to open config file: does not exist", self.where)
        gone = {old.path.name for old in spent}
        for name in gone:
            await self._delete(session, f"{folder}/{name}")
        return config, tuple(dict.fromkeys((*(name for name in names if name not in gone), written.path.name)))

    async def _put(self, session: ObjectSession, path: str, new: NewCopy, app: str) -> bytes | None:
        """Write a copy, and return the file `config` of the repository."""
        sealed = await asyncio.to_thread(self.sealer.seal, base64.b64encode(new.content).decode())
        stored = await session.put(path, sealed)
        if stored.config is not None and stored.content != sealed:
            raise failure(1, f"Fatal: {new.volume} of {app} is not what was written", self.where)
        return stored.config

    async def _is_whole(self, session: ObjectSession, path: str, content: bytes) -> bool:
        """Return whether a file that is there is a copy of a content; one that cannot be read is none."""
        try:
            sealed = await session.get(path)
            found = await asyncio.to_thread(self.sealer.unseal, sealed or b"")
            return base64.b64decode(found) == content
        except (NodeError, ValueError):
            return False

    async def _delete(self, session: ObjectSession, path: str) -> None:
        """Delete a spent copy; one that stays does no harm, and some services keep all."""
        try:
            await session.delete(path)
        except NodeError as error:
            _log.info("a spent copy is not deleted", where=self.where, file=path, why=error.message)


def _names(paths: Iterable[str], app: str, volume: str) -> Iterable[str]:
    """Yield the names of the files in the folder of a volume. Pure."""
    folder = f"{PROOFS}/{named(app)}/{named(volume)}/"
    return (path.removeprefix(folder) for path in paths if path.startswith(folder) and _is_proof(path, app))


def _is_proof(path: str, app: str) -> bool:
    """Return whether a path, which a server may have made up, is that of a copy. Pure."""
    parts = path.split("/")
    if len(parts) != 4 or parts[:2] != [PROOFS, app]:
        return False
    try:
        named(parts[2])
    except NodeError:
        return False
    return len(proofs_named(Path(), parts[3:])) == 1


def _store(path: Path, content: bytes) -> None:
    with reported(path):
        for folder in (path.parent.parent.parent, path.parent.parent, path.parent):
            make_folder(folder, 0o700)
        write_atomically(path, content)
