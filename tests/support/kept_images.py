"""Has the daemons of tests keep the images of the project's own apps, which take up to half a minute to make.

A node removes every image that it does not need itself, and each test module has a node of its own.
"""

from collections.abc import Set

from archipelago.container.images.recipe import REPOSITORY
from archipelago.container.images.store import ImageStore
from support.checkout import APPS


def keep_own_images() -> None:
    """Have nothing of this process remove them as superfluous."""
    real = ImageStore._prune
    ours = tuple(f"{REPOSITORY}/{path.parent.name}-" for path in APPS.glob("*/manifest.yml"))

    async def prune(self: ImageStore, needed: Set[str]) -> bool:
        names = {name for image in await self._local.ours() for name in image.names}
        return await real(self, needed | {name for name in names if name.startswith(ours)})

    ImageStore._prune = prune  # type: ignore[method-assign]
