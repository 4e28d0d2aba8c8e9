"""Has the daemons of tests keep the images of the project's own apps, which take up to half a minute to make.

A node removes every image that it does not need itself, and builds again what another node has built; each test module
has a node of its own.
"""

import hashlib
import os
from collections.abc import Set
from pathlib import Path

from archipelago.container.images.recipe import REPOSITORY
from archipelago.container.images.store import ImageStore
from archipelago.security.image_verifier.built import BuiltImages
from support.checkout import APPS
from support.kept_archives import IMAGES


def keep_own_images() -> None:
    """Have this process remove none of them as superfluous, and take those that other daemons of tests have built."""
    ours = tuple(f"{REPOSITORY}/{path.parent.name}-" for path in APPS.glob("*/manifest.yml"))
    _keep(ours)
    if IMAGES in os.environ:
        share_signatures(Path(os.environ[IMAGES]), ours)


def _keep(ours: tuple[str, ...]) -> None:
    real = ImageStore._prune

    async def prune(self: ImageStore, needed: Set[str]) -> bool:
        names = {name for image in await self._local.ours() for name in image.names}
        return await real(self, needed | {name for name in names if name.startswith(ours)})

    ImageStore._prune = prune  # type: ignore[method-assign]


def share_signatures(folder: Path, ours: tuple[str, ...]) -> None:
    """Have this process note in a folder what it builds under such names, and believe what others have noted there."""
    sign, is_signed = BuiltImages.sign, BuiltImages.is_signed

    def note(reference: str) -> Path:
        return folder / hashlib.sha256(reference.encode()).hexdigest()

    def sign_and_note(self: BuiltImages, reference: str, image: str) -> None:
        sign(self, reference, image)
        if reference.startswith(ours):
            folder.mkdir(parents=True, exist_ok=True)
            note(reference).write_text(image)

    def is_signed_by_any(self: BuiltImages, reference: str, image: str) -> bool:
        if is_signed(self, reference, image):
            return True
        return reference.startswith(ours) and note(reference).exists() and note(reference).read_text() == image

    BuiltImages.sign = sign_and_note  # type: ignore[method-assign]
    BuiltImages.is_signed = is_signed_by_any  # type: ignore[method-assign]
