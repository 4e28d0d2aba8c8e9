"""Snapshots looked into as files: listed, read, and one of them restored. Nothing of a snapshot is changed."""

import asyncio
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from archipelago.api.snapshots import (
    EntryKind,
    SnapshotEntry,
    SnapshotExtractView,
    SnapshotFileView,
    SnapshotFolderView,
)
from archipelago.backups.programs import program
from archipelago.backups.restic.launch import Launch, Order
from archipelago.container.data.snapshots.file_paths import (
    VOLUMES,
    SnapshotPath,
    read_path,
    real_name,
    shown_name,
    shown_path,
)
from archipelago.container.data.snapshots.methods import RESERVE
from archipelago.container.data.snapshots.store import SnapshotStore
from archipelago.container.namespace.client import Namespace
from archipelago.container.namespace.found import FolderEntry
from archipelago.container.operations.backups import make_new_folder, refuse_own_folders
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout
from archipelago.support.texts.text import msg

_KINDS = frozenset(each.value for each in EntryKind)
_TIMEOUT = 4.0
"""Seconds that a folder is read; one with millions of entries is read in part."""
LONGEST_PIECE = 512 * 1024
"""Bytes of a file in one answer."""


@dataclass(frozen=True, slots=True)
class SnapshotFiles:
    """Answers the methods about what is in snapshots. Raises `NodeError`.

    Only volumes can be named, so the secrets of the app, which are beside them, cannot be read.
    """

    layout: Layout
    namespace: Namespace
    store: SnapshotStore
    launch: Launch = field(repr=False)

    async def list(self, app: str, snapshot: str, path: str, after: str, limit: int) -> SnapshotFolderView:
        """Return entries of a folder by name, of those after one."""
        place = read_path(path)
        if not place.volume:
            return await self._volumes(app, snapshot)
        volume = await self._volume(app, snapshot, place)
        behind = _real(after)
        found = await self.namespace.list_folder(str(volume), place.names, behind, limit, _TIMEOUT)
        if found is None:
            raise _missing(path, msg("it is no folder of this snapshot"))
        return SnapshotFolderView(
            path=shown_path(place),
            entries=tuple(map(_entry, found.entries)),
            more=found.more,
            complete=found.complete,
        )

    async def read(self, app: str, snapshot: str, path: str, offset: int, length: int) -> SnapshotFileView:
        """Return a piece of a file."""
        place = read_path(path)
        if not place.names:
            raise _missing(path, msg("it is no file of this snapshot"))
        volume = await self._volume(app, snapshot, place)
        found = await self.namespace.read_piece(str(volume), place.names, offset, min(length, LONGEST_PIECE))
        if found is None:
            raise _missing(path, msg("it is no file of this snapshot"))
        content, size = found
        return SnapshotFileView(path=shown_path(place), size=size, offset=offset, content=content)

    async def extract(self, app: str, snapshot: str, path: str, to: str) -> SnapshotExtractView:
        """Restore one file or folder into a new folder of this machine; it belongs to the node's user there."""
        place, folder = read_path(path), Path(to)
        if not place.volume:
            raise _missing(path, msg("name a volume, or what is in one"))
        volume = await self._volume(app, snapshot, place)
        await asyncio.to_thread(refuse_own_folders, folder, (self.layout.root, self.layout.runtime))
        await asyncio.to_thread(make_new_folder, folder)
        try:
            return await self._copy_out(volume, place.names, folder, path)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))
            raise

    async def _copy_out(self, volume: Path, names: Sequence[str], folder: Path, path: str) -> SnapshotExtractView:
        order = {"volume": str(volume), "names": list(names), "to": str(folder), "reserve": RESERVE}
        lines: list[str] = []
        text = await asyncio.to_thread(program, "extract")
        command = (sys.executable, "-I", "-c", text, json.dumps(order))
        ended = await self.launch(Order(command), lines.append)
        answer = json.loads(lines[-1]) if lines else {}
        if ended.code == 0:
            return SnapshotExtractView(left_out=answer["left_out"])
        if answer.get("error") == "missing":
            raise _missing(path, msg("it is not in this snapshot"))
        error = answer.get("error") or ended.errors[-300:]
        code = ErrorCode.DISK_FULL if answer.get("full") else ErrorCode.INTERNAL
        raise NodeError(
            code,
            msg("{path} cannot be restored: {error}", path=path, error=error),
            hint=msg("name a folder on a disk that has room for it"),
        )

    async def _volumes(self, app: str, snapshot: str) -> SnapshotFolderView:
        await self.store.about(app, snapshot)
        folder = self.layout.app(app).snapshot(snapshot).volumes

        def find() -> tuple[SnapshotEntry, ...]:
            found = sorted(each for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []
            return tuple(SnapshotEntry(name=each.name, kind=EntryKind.FOLDER) for each in found)

        return SnapshotFolderView(path=VOLUMES, entries=await asyncio.to_thread(find))

    async def _volume(self, app: str, snapshot: str, place: SnapshotPath) -> Path:
        await self.store.about(app, snapshot)
        volume = self.layout.app(app).snapshot(snapshot).volume(place.volume)
        if not await asyncio.to_thread(volume.is_dir):
            raise _missing(shown_path(place), msg("there is no volume {name} in it", name=place.volume))
        return volume


def _entry(found: FolderEntry) -> SnapshotEntry:
    return SnapshotEntry(
        name=shown_name(found.name),
        kind=EntryKind(found.kind) if found.kind in _KINDS else EntryKind.OTHER,
        size=found.size,
        modified=_time(found.modified),
        target=shown_name(found.target),
    )


def _time(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (ValueError, OverflowError, OSError):
        return None  # an app can set any time


def _real(name: str) -> str:
    try:
        return real_name(name)
    except ValueError:
        raise NodeError(ErrorCode.INVALID_VALUE, msg("{name} is no name of a file", name=f"{name!r}")) from None


def _missing(path: str, why: str) -> NodeError:
    return NodeError(
        ErrorCode.INVALID_VALUE,
        msg("{path}: {why}", path=path, why=why),
        hint=msg("'archipelago snapshot look APP SNAPSHOT volumes' shows what is in it; links are not followed"),
    )
