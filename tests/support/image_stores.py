"""An image store with real Podman."""

from pathlib import Path
from typing import cast

from archipelago.container.images.progress import FetchProgress
from archipelago.container.images.recipe import BuildTools
from archipelago.container.images.store import ImageStore, find_uv
from archipelago.container.manifest.package import AppPackage, load_package
from archipelago.container.podman_client.client import PodmanClient
from archipelago.performance.host import read_host_facts
from archipelago.security.image_verifier.built import BuiltImages
from archipelago.security.image_verifier.verifier import ImageVerifier
from support.tiny_apps import write_app


class Trusting:
    """Takes every image; test_image_signatures is about those that are not taken."""

    async def verify(self, *_: object) -> None: ...


def store_in(podman: PodmanClient, work: Path) -> ImageStore:
    """Return a store that works in this directory."""
    architecture = read_host_facts(work.parent).architecture
    tools = BuildTools(uv=find_uv(), architecture=architecture)
    return ImageStore(
        podman,
        work,
        work.parent / "downloads",
        tools,
        cast(ImageVerifier, Trusting()),
        BuiltImages(work.parent / "signatures", work.parent / "identity.key"),
    )


async def build(store: ImageStore, package: AppPackage) -> list[str]:
    """Build or pull the image of a package; return what was said."""
    said: list[FetchProgress] = []
    await store.clean()
    await store.ensure(package, "main", said.append)
    percents = [progress.percent for progress in said if progress.percent is not None]
    assert len(percents) == len(said) and percents == sorted(percents) and percents[-1] == 100.0, said
    return [progress.text for progress in said]


async def prune(store: ImageStore, needed: set[str]) -> None:
    """Remove the images that are not among these references."""

    async def asked() -> set[str]:
        return needed

    await store.prune(asked)


def pulling(folder: Path, app: str, reference: str) -> AppPackage:
    """Return a package whose image is pulled."""
    write_app(folder, app)
    manifest = folder / app / "manifest.yml"
    built = "build: {type: packages, packages: [busybox-static]}"
    manifest.write_text(manifest.read_text().replace(built, f"image: {reference}"))
    return load_package(folder / app)
