"""Gives many apps of one recipe one image: a node makes the first, and takes it for what it built for the others."""

import subprocess
from collections.abc import Iterable

from archipelago.container.images import recipe
from archipelago.container.manifest.package import AppPackage
from archipelago.security.image_verifier.built import BuiltImages
from archipelago.storage.layout import Layout

_LABEL = "io.archipelago.built"


def plant(layout: Layout, packages: Iterable[AppPackage]) -> bool:
    """Name the image of these apps' one recipe for each of them, signed with the node's key; tell if there is one."""
    names = {}
    for package in packages:
        for container, spec in package.manifest.containers.items():
            names[recipe.reference(package, container)] = recipe.recipe_digest(package, spec)
    (digest,) = set(names.values())
    found = _podman("image", "ls", "--quiet", "--no-trunc", "--filter", f"label={_LABEL}={digest}").split()
    if not found:
        return False
    image = found[0].removeprefix("sha256:")
    _podman("tag", image, *names)
    built = BuiltImages(layout.images, layout.identity_key)
    for name in names:
        built.sign(name, image)
    return True


def _podman(*arguments: str) -> str:
    return subprocess.run(["podman", *arguments], check=True, capture_output=True, text=True).stdout
