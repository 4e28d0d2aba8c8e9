"""Data with keys to money, which outlives the removal of its app: it is renamed, and nothing is copied or deleted.

It stays in the folder of its app, so a rename is enough, and the app's range of user ids stays taken for as long.
"""

import asyncio
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from archipelago.api.data import KeptData
from archipelago.container.data.volume_view import volume_view
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.namespace.client import Namespace
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import AppFolder, DataFolder, KeptFolder, Layout, SnapshotFolder
from archipelago.storage.records.snapshots import SnapshotRecord
from archipelago.support.presence import is_there
from archipelago.support.private_files import reported, sync_folder
from archipelago.support.texts.text import joined, msg

_STAMP = "%Y-%m-%dT%H-%M-%S.%f"
_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z")


@dataclass(frozen=True, slots=True)
class Keepsake:
    """What of an app outlives a removal with its data."""

    kept: str
    """Name of the place, as `stamp` makes it."""
    volumes: tuple[str, ...]
    version: str

    def with_volumes(self, names: Collection[str], now: datetime) -> Self:
        """Return it with these volumes as well."""
        volumes = tuple(sorted({*self.volumes, *names}))
        return replace(self, volumes=volumes, kept=self.kept or stamp(now)) if volumes else self


NOTHING_KEPT = Keepsake(kept="", volumes=(), version="")
"""Of a removal that an earlier version started, of an app that the catalog does not have any more."""


def keepsake_of(manifest: AppManifest) -> Keepsake:
    """Return what would outlive a removal that starts now."""
    volumes = tuple(name for name, volume in manifest.volumes.items() if volume.funds)
    return Keepsake(stamp(datetime.now(UTC)), volumes, manifest.version)


def stamp(now: datetime) -> str:
    """Return the name of what is kept at a time."""
    return f"{now.astimezone(UTC).strftime(_STAMP)[:-3]}Z"


def stamped_at(name: str) -> datetime:
    """Return the time of which `stamp` made a name."""
    return datetime.strptime(name.removesuffix("Z"), _STAMP).replace(tzinfo=UTC)


class KeptStore:
    """Sets data aside, lists what was set aside, brings it back, and deletes it for good."""

    def __init__(self, layout: Layout, namespace: Namespace) -> None:
        self._layout = layout
        self._namespace = namespace

    async def set_aside(self, app: str, keepsake: Keepsake) -> None:
        """Keep the volumes that are not empty, and with them the app's secrets.

        It may be called again after a crash, and goes on where it was cut off.
        """
        folder = self._layout.app(app)
        place = folder.kept_at(keepsake.kept)
        volumes = [name for name in keepsake.volumes if await self._holds(folder.volume(name))]
        if not volumes:
            return
        await asyncio.to_thread(_make, place, keepsake.version)
        # The secrets first: what is left of them once the volumes are gone from their place is deleted.
        if await asyncio.to_thread(is_there, folder.secrets):
            await self._namespace.rename(str(folder.secrets), str(place.secrets))
        await asyncio.to_thread(_move_beside, folder, place, volumes)
        for name in volumes:
            await self._namespace.rename(str(folder.volume(name)), str(place.volume(name)))

    async def keep_snapshots(self, app: str, funds: Collection[str]) -> None:
        """Keep the snapshots with keys to money that are nowhere else, since they were moved aside; see `set_aside`.

        `funds` are the volumes that are known to have keys by now.
        """
        folder = self._layout.app(app)
        for name in await asyncio.to_thread(_only_copies, folder, funds):
            await asyncio.to_thread(folder.kept.mkdir, 0o700, exist_ok=True)
            await self._namespace.rename(str(folder.snapshot(name).path), str(folder.kept_at(name).path))

    def any(self, app: str) -> bool:
        """Return whether something of an app is kept. Blocking."""
        return bool(_names(self._layout.app(app)))

    async def list(self) -> tuple[KeptData, ...]:
        """Return all that is kept, the oldest first."""

        def find() -> list[tuple[str, str]]:
            apps = self._layout.apps.iterdir() if self._layout.apps.is_dir() else ()
            names = sorted(path.name for path in apps if not path.name.startswith("."))
            return [(kept, app) for app in names for kept in _names(self._layout.app(app))]

        return tuple([await self._view(app, kept) for kept, app in sorted(await asyncio.to_thread(find))])

    async def restore(self, app: str, kept: str) -> None:
        """Bring data back to where its app finds it. Raises `NodeError` where other data is there."""
        folder, place = self._layout.app(app), await self._place(app, kept)
        volumes = await asyncio.to_thread(_children, place.volumes)
        taken = [msg("in the volume '{name}'", name=name) for name in volumes if await self._holds(folder.volume(name))]
        if await asyncio.to_thread(_children, folder.secrets):
            taken.append(msg("among its secrets"))
        if taken:
            raise NodeError(
                ErrorCode.ALREADY_INSTALLED,
                msg(
                    "{app} has other data {taken}, from an installation after that",
                    app=app,
                    taken=joined(taken, " and "),
                ),
                hint=msg(
                    "set it aside first: 'archipelago install {app}', 'archipelago remove {app} --delete-data'", app=app
                ),
            )
        await asyncio.to_thread(folder.volumes.mkdir, 0o700, exist_ok=True)
        await asyncio.to_thread(_move_beside, place, folder, volumes)
        for name in volumes:
            await self._namespace.rename(str(place.volume(name)), str(folder.volume(name)))
        if await asyncio.to_thread(is_there, place.secrets):
            await self._namespace.rename(str(place.secrets), str(folder.secrets))
        await self._namespace.remove(str(place.path))

    async def delete(self, app: str, kept: str) -> None:
        """Delete what is kept, for ever."""
        await self._namespace.remove(str((await self._place(app, kept)).path))

    async def _holds(self, volume: Path) -> bool:
        found = await self._namespace.look(str(volume), 1, 1, 1)
        return found is not None and not found.empty

    async def _place(self, app: str, kept: str) -> KeptFolder:
        place = self._layout.app(app).kept_at(kept)
        if kept not in await asyncio.to_thread(_names, self._layout.app(app)):
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("nothing of {app} is kept under the name {kept}", app=app, kept=f"{kept!r}"),
                hint=msg("'archipelago data list' shows what is kept"),
            )
        return place

    async def _view(self, app: str, kept: str) -> KeptData:
        place = self._layout.app(app).kept_at(kept)
        names = await asyncio.to_thread(_children, place.volumes)
        volumes = [await volume_view(self._namespace, place.volume(name), funds=True) for name in names]
        return KeptData(
            app=app,
            kept=kept,
            at=stamped_at(kept),
            version=await asyncio.to_thread(_version, place),
            volumes=tuple(volumes),
            secrets=len(await asyncio.to_thread(_children, place.secrets)),
        )


def _make(place: KeptFolder, version: str) -> None:
    place.volumes.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.about.write_text(json.dumps({"version": version}) + "\n")
    for directory in (place.path.parent.parent, place.path.parent, place.path):
        sync_folder(directory)


def _move_beside(source: DataFolder, target: DataFolder, volumes: Collection[str]) -> None:
    """Move what is beside volumes with them: leases of their states, and copies of their streamed files."""
    for old, new in ((source.leases, target.leases), (source.streams, target.streams)):
        names = [name for name in _children(old) if name.partition(".")[0] in volumes]
        if not names:
            continue
        new.mkdir(mode=0o700, exist_ok=True)
        for name in names:
            if (new / name).is_dir():  # of an installation since then
                for copy in (old / name).iterdir():
                    copy.replace(new / name / copy.name)
            else:
                (old / name).replace(new / name)
        for directory in (old, new, new.parent):
            sync_folder(directory)


def _only_copies(folder: AppFolder, funds: Collection[str]) -> tuple[str, ...]:
    names = filter(_NAME.fullmatch, _children(folder.snapshots))
    return tuple(name for name in names if _may_be_only_copy(folder.snapshot(name), funds))


def _may_be_only_copy(place: SnapshotFolder, funds: Collection[str]) -> bool:
    try:
        about = read_about(place)
    except NodeError:
        return True  # what cannot be read may be one
    if about is None:
        return is_there(place.about)  # as may one that another version of the node described
    return about.kind.is_moved and about.has_keys(funds)


def read_about(place: SnapshotFolder) -> SnapshotRecord | None:
    """Return what a snapshot is; None where it is not complete. Blocking.

    Raises `NodeError` where that cannot be read: it may be whole.
    """
    with reported(place.about):
        try:
            text = place.about.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
    try:
        return SnapshotRecord.model_validate_json(text)
    except ValueError:
        return None


def _names(folder: AppFolder) -> tuple[str, ...]:
    return tuple(name for name in _children(folder.kept) if _NAME.fullmatch(name))


def _children(directory: Path) -> Sequence[str]:
    with reported(directory):
        try:
            return sorted(path.name for path in directory.iterdir())
        except FileNotFoundError:
            return ()


def _version(place: KeptFolder) -> str:
    try:
        return str(json.loads(place.about.read_text())["version"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""
