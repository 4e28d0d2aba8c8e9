"""Room on the disk that is kept while an update is tried: a version that fills the disk goes back all the same."""

import asyncio
import os
from collections.abc import Collection
from pathlib import Path

from archipelago.storage.layout import Layout
from archipelago.support.private_files import reported

ROOM = 32 * 1024**2
"""Bytes: for what is written on the way back, and for the version before to start."""
_NAME = ".room"


class KeptRoom:
    """Keeps room beside the snapshots of apps, and gives it back."""

    def __init__(self, layout: Layout, size: int = ROOM) -> None:
        self._layout = layout
        self.size = size
        """Bytes."""

    async def keep(self, apps: Collection[str]) -> None:
        """Take the room. Raises `NodeError` DISK_FULL where there is none."""
        for app in apps:
            await asyncio.to_thread(_take, self._layout.app(app).snapshots / _NAME, self.size)

    async def give(self, apps: Collection[str]) -> None:
        """Have the room free again; where none was kept, nothing happens. Raises `NodeError`."""
        for app in apps:
            path = self._layout.app(app).snapshots / _NAME
            with reported(path):
                await asyncio.to_thread(path.unlink, missing_ok=True)


def _take(path: Path, size: int) -> None:
    with reported(path):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
