"""What packages leave free on the disk for the rest of the node."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from archipelago.container.images.build.watch import LEAST_FREE
from archipelago.container.images.refusal import PackagesRefused
from archipelago.support.texts.text import msg


def free_disk(folder: Path) -> int:
    """Return the bytes that are free on the disk of a folder; blocks."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class DiskReserve:
    """Refuses what would fill the disk. `free` returns the bytes that are free where a folder is."""

    def __init__(self, free: Callable[[Path], int] = free_disk) -> None:
        self._free = free

    async def require(self, folder: Path, size: int) -> None:
        """Raise `PackagesRefused` where so many bytes more would leave too little to the rest of the node."""
        if await asyncio.to_thread(self._free, folder) - size < LEAST_FREE:
            raise PackagesRefused(
                msg("there is no space left on device for the packages"), msg("free some space, then try again")
            )
