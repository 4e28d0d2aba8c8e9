"""Fetches the images of several apps at once, and reports to an operation how far each is."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from archipelago.container.images.inventory import ImageInventory
from archipelago.container.images.progress import FetchProgress
from archipelago.container.images.store import ImageStore
from archipelago.container.manifest.package import AppPackage
from archipelago.container.operations.tracker import Tracker
from archipelago.support.first_error import FirstError
from archipelago.support.texts.text import msg

_BUILDS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class ImageFetcher:
    """Pulls and builds what apps need."""

    images: ImageStore
    inventory: ImageInventory
    _building: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_BUILDS_AT_ONCE))

    @contextlib.asynccontextmanager
    async def fetched(self, tracker: Tracker, packages: Mapping[str, AppPackage]) -> AsyncIterator[None]:
        """Fetch the images of packages; none is pruned until the apps are stored, which need them from then on."""
        async with self.images.held():
            await self._fetch(tracker, packages)
            yield

    async def _fetch(self, tracker: Tracker, packages: Mapping[str, AppPackage]) -> None:
        async def one(app: str, package: AppPackage) -> None:
            step = image_step(app)
            async with self._building:
                await tracker.begin(step)
                reports: asyncio.Queue[FetchProgress | None] = asyncio.Queue()
                last = FetchProgress("")

                def report(progress: FetchProgress) -> None:
                    nonlocal last
                    last = progress
                    reports.put_nowait(progress)

                reporter = asyncio.create_task(_forward(tracker, step, reports))
                try:
                    for container in package.manifest.containers:
                        await self.images.ensure(package, container, report)
                finally:
                    reports.put_nowait(None)
                    await reporter
                await tracker.finish(step, f"{last.text}; {await self.inventory.take(package)}")

        async with FirstError(), asyncio.TaskGroup() as group:
            for app, package in packages.items():
                group.create_task(one(app, package))


def image_step(app: str) -> str:
    """Return the name of the step in which the images of an app are fetched."""
    return msg("image of {app}", app=app)


async def _forward(tracker: Tracker, step: str, reports: "asyncio.Queue[FetchProgress | None]") -> None:
    while (progress := await reports.get()) is not None:
        await tracker.progress(step, progress.percent, progress.text)
