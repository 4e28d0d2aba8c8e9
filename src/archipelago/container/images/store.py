"""Brings images to this node, and removes those that nobody needs."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Set
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from archipelago.container.dependency_resolver.host_facts import ControlGroup
from archipelago.container.images import recipe as image_recipe
from archipelago.container.images.build.leftovers import remove_leftovers
from archipelago.container.images.declared_volumes import refuse_hidden_data
from archipelago.container.images.errors import explained
from archipelago.container.images.local_images import LocalImages
from archipelago.container.images.package_databases import package_databases
from archipelago.container.images.progress import FetchProgress, OnProgress
from archipelago.container.images.recipe import BASE_LABEL, BUILT_LABEL, PULLED, REPOSITORY, BuildTools
from archipelago.container.manifest.package import AppPackage
from archipelago.container.podman_client.client import PodmanClient
from archipelago.security.image_verifier.built import BuiltImages
from archipelago.security.image_verifier.signers import signer_of
from archipelago.security.image_verifier.verifier import ImageVerifier
from archipelago.storage.layout import OLD_PACKAGE_CACHE
from archipelago.support.broadcast import Signal
from archipelago.support.texts.text import msg

if TYPE_CHECKING:
    from archipelago.container.images.image_builder import ImageBuilder


class ImageStore:
    """Brings images to this node. One build at a time per image; what a cancel or a crash leaves behind is removed.

    Nothing is pruned while an image comes: it gets its name after it is stored, and the steps of its build have none.

    `work` is a directory on disk that nobody else uses, and `downloads` one that keeps what was fetched by its hash.
    """

    def __init__(
        self,
        client: PodmanClient,
        work: Path,
        downloads: Path,
        tools: BuildTools,
        verifier: ImageVerifier,
        built: BuiltImages,
        trusted_root: Path | None = None,
        cgroup: ControlGroup | None = None,
        require_room: Callable[[], None] = lambda: None,
    ) -> None:
        """`require_room` raises `NodeError` where the disk has no room for another image."""
        self._client = client
        self._work = work
        self._downloads = downloads
        self._tools = tools
        self._cgroup = cgroup or ControlGroup()
        self._require_room = require_room
        self._verifier = verifier
        self._trusted_root = trusted_root
        self._local = LocalImages(client, built)
        self._pruning = asyncio.Lock()
        self._holders = 0
        self._released = Signal()

    def reference(self, package: AppPackage, container: str) -> str:
        """Return the reference that the image of a container has on this node."""
        return image_recipe.reference(package, container)

    async def clean(self) -> None:
        """End the builds that outlived a killed daemon, and remove what they left in the work directory."""
        await remove_leftovers(self._client, self._work)
        await asyncio.to_thread(self._work.mkdir, mode=0o700, parents=True, exist_ok=True)
        # The users of a build pass through on the way to its folder, which is open to them alone.
        await asyncio.to_thread(self._work.chmod, 0o711)
        await asyncio.to_thread(shutil.rmtree, self._work.parent / OLD_PACKAGE_CACHE, ignore_errors=True)

    async def ensure(self, package: AppPackage, container: str, report: OnProgress) -> str:
        """Return the reference of a container's image, pulled or built if it is not here. Raises `NodeError`."""
        spec = package.manifest.containers[container]
        name = self.reference(package, container)
        async with self.held(), self._local.turn(name):
            with explained(package):
                if spec.build is None:
                    signer = signer_of(package, spec, self._trusted_root)
                    await self._verifier.verify(package.manifest.id, name, signer)
                found = await self.image_id(package, container)
                if found is None:
                    self._require_room()
                if found is not None:
                    report(FetchProgress(msg("already here"), 100.0))
                elif spec.build is None:
                    await self._local.pull(name, report)
                else:
                    await self._builder.build(package, spec, name, report)
                    await self._local.sign(name)
                if spec.build is None:
                    # Also where it was here before: a crash may have come between the pull and the mark.
                    await self._client.images.tag(found or name, image_recipe.pulled_mark(name))
                refuse_hidden_data(package, container, (await self._local.inspect(name)).volumes)
        return name

    @cached_property
    def _builder(self) -> "ImageBuilder":
        # Imported for the first build: what builds takes 1 MB.
        from archipelago.container.images.image_builder import ImageBuilder

        return ImageBuilder.of(
            self._client, self._local, self._tools, self._verifier, self._work, self._downloads, self._cgroup
        )

    async def image_id(self, package: AppPackage, container: str) -> str | None:
        """Return the ID of a container's image, or None where it is not here. Raises `NodeError`.

        An image that has the name, but was not built here for it, counts as not here.
        """
        name = self.reference(package, container)
        with explained(package):
            found = await self._local.image_id(name)
        if found is None or package.manifest.containers[container].build is None:
            return found
        return found if await self._local.is_ours(name, found) else None

    async def databases(self, package: AppPackage, container: str) -> tuple[str, dict[str, bytes]]:
        """Return the ID of a container's image, and the package databases in it by path. Raises `NodeError`."""
        with explained(package):
            found = await self._local.inspect(self.reference(package, container))
        return found.id, await package_databases(package, found.id)

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Keep all images of this node meanwhile, also those that nobody needs yet."""
        self._holders += 1
        try:
            async with self._pruning:
                pass  # what is being removed is gone
            yield
        finally:
            self._holders -= 1
            self._released.notify()

    async def prune(self, needed: Callable[[], Awaitable[Set[str]]]) -> None:
        """Remove images that were built or pulled here and that nobody needs, while none are held; those in use stay.

        `needed` returns references. What makes an image needed must keep it until `needed` returns it.
        Raises `NodeError` and `PodmanError`.
        """
        pruned = False
        while not pruned:
            await self._released.until(lambda: not self._holders)
            async with self._pruning:
                pruned = await self._prune(await needed())

    async def _prune(self, needed: Set[str]) -> bool:
        """Return whether that was done to its end: it stops where somebody starts to hold images."""
        images = await self._local.ours()
        built = [image for image in images if BUILT_LABEL in image.labels]
        keep = needed | {image.labels.get(BASE_LABEL, "") for image in built if not needed.isdisjoint(image.names)}
        superfluous = [name for image in images for name in image_recipe.marked_names(image.names, keep)]
        for image in built:
            ours = (name for name in image.names if name.startswith(f"{REPOSITORY}/") and not name.startswith(PULLED))
            superfluous += [name for name in ours if name not in keep]
        for name in superfluous:
            if self._holders:
                return False
            await self._local.remove(name)
        if self._holders:
            return False
        await self._client.images.prune(labels={BUILT_LABEL: None})
        return True


def find_uv() -> str:
    """Return the uv program: the one that the set-up installed, else the one on PATH."""
    installed = Path("/opt/archipelago/uv/bin/uv")
    return str(installed) if installed.exists() else shutil.which("uv") or "uv"
