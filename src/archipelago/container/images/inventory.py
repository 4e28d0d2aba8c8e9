"""Has a bill of materials made of each image that comes to this node, and says what an update changes."""

import asyncio
from typing import Any

import structlog

from archipelago.api.security import PackageChange
from archipelago.container.images.store import ImageStore
from archipelago.container.manifest.package import AppPackage
from archipelago.errors import NodeError
from archipelago.security.sbom.databases import Difference, packages
from archipelago.security.sbom.reader import INCOMPLETE
from archipelago.security.sbom.store import SbomStore
from archipelago.support.texts.text import msg


class ImageInventory:
    """Knows what is in the images of apps."""

    def __init__(self, images: ImageStore, store: SbomStore) -> None:
        self._images = images
        self._store = store
        self._log = structlog.get_logger("sbom")

    async def take(self, package: AppPackage) -> str:
        """Make the documents of an app's images; return what they say in a line.

        An image whose packages cannot be read is used all the same, and this is said.
        """
        app, count, differences, whole = package.manifest.id, 0, list[Difference](), True
        try:
            for container in package.manifest.containers:
                digest, files = await self._images.databases(package, container)
                found = await asyncio.to_thread(packages, files)
                image = self._images.reference(package, container)
                complete = INCOMPLETE not in files
                difference = await self._store.keep(app, container, image, digest, found, complete=complete)
                whole = whole and complete
                count += len(found)
                differences += [difference] if difference is not None else []
        except NodeError as error:
            self._log.warning("no bill of materials", app=app, error=str(error))
            return msg("what is in the image cannot be read: {message}", message=error.message)
        added, removed, changed = (
            sum(len(getattr(each, part)) for each in differences) for part in ("added", "removed", "changed")
        )
        news = (
            msg(
                "; {added} new, {removed} gone, {changed} in another version",
                added=added,
                removed=removed,
                changed=changed,
            )
            if added + removed + changed
            else ""
        )
        return (
            msg("{count} packages{news}", count=count, news=news)
            if whole
            else msg("at least {count} packages{news}", count=count, news=news)
        )

    async def document(self, app: str, container: str) -> dict[str, Any]:
        """Return the bill of materials of a container's image (CycloneDX 1.6). Raises `NodeError`."""
        return await self._store.document(app, container)

    async def count(self, app: str, container: str) -> int | None:
        """Return how many packages are in a container's image; None where it has no bill of materials."""
        if not await asyncio.to_thread(self._store.has, app, container):
            return None
        return len((await self._store.document(app, container)).get("components", ()))

    async def changes(self, app: str, container: str) -> tuple[PackageChange, ...]:
        """Return what the last update changed in a container's image."""
        found = await self._store.difference(app, container)
        pairs = [
            *((None, package) for package in found.added),
            *((package, None) for package in found.removed),
            *found.changed,
        ]
        return tuple(
            PackageChange(
                ecosystem=one.ecosystem.value,
                name=one.name,
                before=old.version if old else None,
                after=new.version if new else None,
            )
            for old, new in pairs
            if (one := new or old) is not None
        )

    async def forget(self, app: str) -> None:
        """Remove what is kept of an app."""
        await self._store.forget(app)
