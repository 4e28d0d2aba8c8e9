"""Removes the images that nobody needs any more, in its own time: what comes of that is no part of an operation."""

import asyncio
import contextlib

import structlog

from archipelago.container.images import ImageStore
from archipelago.storage.state import State

_PAUSE = 3600.0
"""At the latest then it looks again: for what was in use, what could not be removed, and what a restart came upon."""


class ImagePruner:
    """Prunes once it is wanted, and now and then."""

    def __init__(self, images: ImageStore, state: State) -> None:
        self._images = images
        self._state = state
        self._log = structlog.get_logger("images")
        self._wanted = asyncio.Event()

    def want(self) -> None:
        """Say that something may have become superfluous."""
        self._wanted.set()

    async def run(self) -> None:
        """Prune, for ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PAUSE):
                    await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._images.prune(self._needed)
                await self._images.prune_volumes()
            except Exception:  # whatever it was, the disk must not fill up for it
                self._log.exception("images that nobody needs may be left")

    async def _needed(self) -> set[str]:
        packages = [record.package for record in (await self._state.load_apps()).values()]
        return {self._images.reference(package, name) for package in packages for name in package.manifest.containers}
