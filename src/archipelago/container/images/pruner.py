"""Removes the images that nobody needs any more, in its own time: what comes of that is no part of an operation."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable

import structlog

from archipelago.container.images.store import ImageStore
from archipelago.container.manifest.package import AppPackage
from archipelago.storage.stores.state import State

_PAUSE = 3600.0
"""At the latest then it looks again: for what was in use, what could not be removed, and what a restart came upon."""


_KEPT = "images-kept"
"""Fact: images of apps that were removed and may come back, with the time of the removal, as JSON."""
_KEPT_FOR = 7 * 86400.0
"""Seconds; a day on which the clock was wrong may make it longer or shorter, and does no harm."""
_ROOM = 5 * 1024**3
"""Bytes that must be free for an image to be kept that nobody needs."""


class ImagePruner:
    """Prunes once it is wanted, and now and then."""

    def __init__(self, images: ImageStore, state: State, free_disk: Callable[[], int]) -> None:
        """`free_disk` returns bytes, and may block."""
        self._images = images
        self._state = state
        self._free_disk = free_disk
        self._log = structlog.get_logger("images")
        self._wanted = asyncio.Event()

    async def keep(self, package: AppPackage) -> None:
        """Keep the images of an app that is removed for a while: it may be installed again."""
        now = time.time()
        kept = {**await self._kept(now), **{self._images.reference(package, name): now for name in _names(package)}}
        await self._state.set_fact(_KEPT, json.dumps(kept))

    async def _kept(self, now: float) -> dict[str, float]:
        if await asyncio.to_thread(self._free_disk) < _ROOM:
            return {}
        found = json.loads(await self._state.found_fact(_KEPT) or "{}")
        return {reference: min(since, now) for reference, since in found.items() if now - since < _KEPT_FOR}

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
            except Exception:  # whatever it was, the disk must not fill up for it
                self._log.exception("images that nobody needs may be left")

    async def _needed(self) -> set[str]:
        packages = [record.package for record in (await self._state.load_apps()).values()]
        needed = {self._images.reference(package, name) for package in packages for name in _names(package)}
        kept = await self._kept(time.time())
        await self._state.set_fact(_KEPT, json.dumps(kept))  # the oldest go, and so do all where there is little room
        return needed | kept.keys()


def _names(package: AppPackage) -> tuple[str, ...]:
    return tuple(package.manifest.containers)
