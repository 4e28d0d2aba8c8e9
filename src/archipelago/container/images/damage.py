"""Images of which parts are missing on the disk, as a power cut or a kill of Podman leaves them: found and removed."""

import asyncio
import contextlib
import re
from pathlib import Path

import structlog

from archipelago.container.images import recipe as image_recipe
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import (
    NameMismatch,
    NotFound,
    PodmanCall,
    PodmanConflict,
    PodmanFailure,
    StorageDamaged,
)
from archipelago.container.podman_client.image_records import ImageRecord, read_image_records
from archipelago.container.podman_client.labels import NODE
from archipelago.container.podman_client.models import ImageDetails

_LASTS = 1.0
"""Seconds after which an image counts as damaged: for a moment, one that another process stores looks the same."""


class DamagedImages:
    """Finds and removes damaged images, so that they can be pulled or built again. No data of an app is touched.

    Nobody can use a damaged image, and Podman can do nothing else with it. A container that runs from one goes on.
    Methods raise `PodmanError`.
    """

    def __init__(self, client: PodmanClient) -> None:
        self._client = client
        self._removing = asyncio.Lock()
        self._nameless: list[str] = []
        self._log = structlog.get_logger("images")

    async def inspect(self, reference: str) -> ImageDetails:
        """Return what Podman says of an image. Raises `StorageDamaged` also where only files of a layer are missing."""
        details = await self._client.images.inspect(reference)
        if gone := await asyncio.to_thread(_missing, details):
            raise StorageDamaged(PodmanCall("inspect image", reference), f"{gone} is missing", image=details.id)
        return details

    async def remove(self, name: str = "") -> None:
        """Remove what is left of all damaged images; of the one called `name`, at least its name."""
        async with self._removing:
            records = await self._records()
            own, handled = _called(name, records), set[str]()
            while (found := await self._next(own, records, handled)) is not None:
                await asyncio.sleep(_LASTS)
                if await self._damaged_by(found) is None:
                    break  # what stored it has ended
                handled.add(found)
                await self._remove(found, found in own)
            for each in self._nameless:  # images that were built upon it, and are gone now, kept it
                with contextlib.suppress(PodmanConflict):
                    await self._client.images.remove(each)
            self._nameless.clear()

    async def _records(self) -> tuple[ImageRecord, ...]:
        """Return the records of all images: Podman 5.4 leaves damaged ones out of its list, or lists nothing at all."""
        graph_root = Path((await self._client.info()).graph_root)
        try:
            return await asyncio.to_thread(read_image_records, graph_root)
        except (OSError, ValueError) as error:
            raise PodmanFailure(PodmanCall("read the records of images", str(graph_root)), str(error)) from error

    async def _next(self, own: frozenset[str], records: tuple[ImageRecord, ...], handled: set[str]) -> str | None:
        # Where no file is, none is missing; yet Podman 4.3 panics over an image without layers.
        others = (record.id for record in records if record.layer and record.id not in own)
        for each in [*own, *others]:
            if each in handled or (spoils := await self._damaged_by(each)) is None:
                continue
            # What spoils the look at another image comes first: that one may be sound.
            if spoils not in handled:
                return spoils
            if each in own:
                return each
        return None

    async def _damaged_by(self, image: str) -> str | None:
        """Return the ID of the damaged image for which Podman cannot look at this one: mostly itself; or None."""
        try:
            await self.inspect(image)
        except (NotFound, NameMismatch):  # gone, or a list of images, for which Podman answers with one of them
            return None
        except StorageDamaged as error:
            return error.image or image
        return None

    async def _remove(self, image: str, own: bool) -> None:
        users = [each for each in await self._client.containers.list() if each.image_id == image]
        for user in users:
            if NODE in user.labels and not user.state.is_up:  # its keeper makes it again
                await self._client.containers.remove(user.name, force=True, volumes=False)
        if not own and any(NODE not in user.labels or user.state.is_up for user in users):
            self._log.warning("a damaged image stays: containers use it", image=image, used_by=[u.name for u in users])
            return
        try:
            # By its ID, Podman removes an image with one name only; without one, nothing takes it for a sound image.
            await self._client.images.untag(image)
            self._nameless.append(image)
            await self._client.images.remove(image)
        except PodmanConflict as error:
            self._log.warning("a damaged image stays without a name", image=image, error=str(error))
        else:
            self._log.warning("a damaged image was removed: a power cut or a kill had cut it off", image=image)


def _called(name: str, records: tuple[ImageRecord, ...]) -> frozenset[str]:
    """Return the IDs of the images that have a name, in which `*` is any part without a slash."""
    wanted = (name, image_recipe.pulled_mark(name)) if "@" in name else (name,)
    pattern = re.compile("|".join(re.escape(each).replace(r"\*", "[^/]*") for each in wanted))
    return frozenset(record.id for record in records if any(map(pattern.fullmatch, record.names)))


def _missing(details: ImageDetails) -> Path | None:
    """Return what is missing of an image's layers: a directory, or the name by which a layer is mounted."""
    for layer in map(Path, details.layers):
        link = layer.with_name("link")
        if not layer.is_dir():
            return layer
        if not link.is_file() or not link.stat().st_size:
            return link
    return None
