"""The images that are here: asked for, pulled, signed and removed, one at a time."""

import asyncio

import structlog

from archipelago.container.images import recipe as image_recipe
from archipelago.container.images.damage import DamagedImages
from archipelago.container.images.progress import FetchProgress, OnProgress, PullProgress
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import (
    NameMismatch,
    NotFound,
    PodmanConflict,
    PodmanError,
    StorageDamaged,
)
from archipelago.container.podman_client.models import ImageDetails, ImageSummary
from archipelago.errors import NodeError
from archipelago.security.image_verifier.built import BuiltImages
from archipelago.support.texts.text import msg


class LocalImages:
    """Images of this node by their names; `built` knows those that it made itself. Methods raise `PodmanError`."""

    def __init__(self, client: PodmanClient, built: BuiltImages) -> None:
        self._client = client
        self._built = built
        self._damaged = DamagedImages(client)
        self._turns: dict[str, asyncio.Lock] = {}
        self._log = structlog.get_logger("images")

    def turn(self, name: str) -> asyncio.Lock:
        """Return what is taken while an image of this name is made or pulled."""
        return self._turns.setdefault(name, asyncio.Lock())

    async def image_id(self, name: str) -> str | None:
        """Return the ID of an image, or None where it is not here.

        What is left of a damaged one is removed, so that it can be pulled or built again.
        """
        try:
            return await self._id(name)
        except StorageDamaged as error:
            self._log.warning("an image is damaged", name=name, error=str(error))
            await self._damaged.remove(name)
            return await self._id(name)

    async def _id(self, name: str) -> str | None:
        try:
            return (await self.inspect(name)).id
        except (NotFound, NameMismatch):
            return None

    async def ours(self) -> tuple[ImageSummary, ...]:
        """List the images that have a name of this node. Those of others are not looked at, also not damaged ones."""
        reference = f"{image_recipe.REPOSITORY}/*"
        try:
            return await self._client.images.list(reference=reference)
        except StorageDamaged as error:
            self._log.warning("an image is damaged", error=str(error))
            await self._damaged.remove(reference)
            return await self._client.images.list(reference=reference)

    async def inspect(self, name: str) -> ImageDetails:
        """Return what Podman says of an image; one that was pulled is found by its digest too.

        Raises `StorageDamaged` where parts of it are missing.
        """
        try:
            return await self._damaged.inspect(name)
        except (NotFound, NameMismatch):
            if "@" not in name:
                raise
            # What was pulled under another name Podman 4.3 does not pull again; and a crash may come when its name is
            # taken away and the mark is not. The digest is what was asked for.
            return await self._damaged.inspect(image_recipe.pulled_mark(name))

    async def is_ours(self, name: str, image: str) -> bool:
        """Return whether this node built the image under this name."""
        if await asyncio.to_thread(self._built.is_signed, name, image):
            return True
        self._log.warning("an image has a name that this node did not give it", name=name, image=image)
        return False

    async def sign(self, name: str) -> None:
        """Remember that this node built the image. Raises `NodeError`."""
        image = (await self._client.images.inspect(name)).id
        await asyncio.to_thread(self._built.sign, name, image)

    async def pull(self, name: str, report: OnProgress) -> None:
        """Pull an image."""
        so_far = PullProgress()
        async for progress in self._client.images.pull(name):
            if text := progress.text.strip():
                so_far = so_far.after(text)
                report(FetchProgress(text, so_far.percent))
        report(FetchProgress(msg("pulled"), 100.0))

    async def remove(self, name: str) -> None:
        """Take a name from an image, which goes with its last one, unless a container uses it."""
        try:
            await self._client.images.remove(name)
            await asyncio.to_thread(self._built.forget, name)
        except PodmanConflict:
            return  # a container uses it
        except StorageDamaged:
            await self._damaged.remove(name)
        except (PodmanError, NodeError) as error:  # the others can be removed all the same
            self._log.warning("an image that nobody needs cannot be removed", name=name, error=str(error))
