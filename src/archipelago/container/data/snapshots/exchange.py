"""Exchanges the volumes in use for those of a snapshot, by renames; `swap` says which comes next."""

import asyncio
from collections.abc import Collection, Set

from archipelago.container.data.snapshots.files import volume_places
from archipelago.container.data.snapshots.swap import MoveAside, next_move
from archipelago.container.namespace.client import Namespace
from archipelago.storage.layout import AppFolder, SnapshotFolder
from archipelago.storage.stores.volume_marks import VolumeMarks


class VolumeExchange:
    """Renames volumes of apps that are stopped, and remembers what is in their places then."""

    def __init__(self, namespace: Namespace, marks: VolumeMarks) -> None:
        self._namespace = namespace
        self._marks = marks

    async def swap(
        self, folder: AppFolder, wanted: Set[str], may_move: Set[str], ends: tuple[SnapshotFolder, SnapshotFolder]
    ) -> None:
        """Rename until everything is in its place; it may be called again after a crash. Raises `TwiceError`.

        `ends` are the snapshot that comes back and the one that what is in use becomes; see `next_move`.
        """
        origin, target = ends
        while True:
            places = await asyncio.to_thread(volume_places, folder, origin, target)
            move = next_move(wanted, places.used - may_move, places)
            if move is None:
                return
            used, volume = folder.volume(move.volume), move.volume
            if isinstance(move, MoveAside):
                await self._namespace.rename(str(used), str(target.volume(volume)))
            else:
                await self._namespace.rename(str(origin.volume(volume)), str(used))

    async def mark(self, app: str, folder: AppFolder, volumes: Collection[str]) -> None:
        """Take what is in the place of these volumes for them: it is another directory than before, or none."""
        found = {name: await self._namespace.look(str(folder.volume(name)), 1, 1, 1) for name in volumes}
        await self._marks.keep(app, {name: each.mark for name, each in found.items() if each is not None})
        await self._marks.forget(app, [name for name, each in found.items() if each is None])
