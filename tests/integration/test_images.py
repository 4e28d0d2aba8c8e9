"""The builder, for real: packages from a distribution, a Containerfile, the cache, and the same image twice."""

from pathlib import Path

import pytest
from tiny_apps import write_app

from archipelago.container.image_recipe import Tools
from archipelago.container.images import ImageStore, Progress, find_uv
from archipelago.container.manifest.package import AppPackage, load_package
from archipelago.container.podman_client.client import PodmanClient
from archipelago.performance.host import read_host_facts
from harness import podman as run_podman

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def store(podman: PodmanClient, tmp_path: Path) -> ImageStore:
    """A store with a work directory of its own."""
    architecture = read_host_facts(tmp_path).architecture
    return ImageStore(podman, tmp_path / "builds", Tools(uv=find_uv(), architecture=architecture))


def tiny(folder: Path, app: str) -> AppPackage:
    """Return a package that takes a second to build."""
    write_app(folder, app)
    return load_package(folder / app)


async def build(store: ImageStore, package: AppPackage) -> list[str]:
    """Build the image of a package; return what was said."""
    said: list[str] = []

    def told(progress: Progress) -> None:
        said.append(progress.text)

    await store.clean()
    await store.ensure(package, "main", told)
    return said


async def test_an_unchanged_recipe_is_built_once_and_the_same_bytes_come_out_again(
    store: ImageStore, tmp_path: Path
) -> None:
    package = tiny(tmp_path, "twice")
    name = store.reference(package, "main")
    assert "stores the image" in await build(store, package)
    first = podman_layers(name)
    assert await build(store, package) == ["already here"]
    run_podman("rmi", name)
    await build(store, package)
    assert podman_layers(name) == first
    run_podman("rmi", name)


def podman_layers(name: str) -> str:
    """Return the digests of an image's layers."""
    return run_podman("image", "inspect", name, "--format", "{{json .RootFS.Layers}}")


async def test_what_nobody_needs_is_pruned_and_what_is_kept_stays(store: ImageStore, tmp_path: Path) -> None:
    kept, gone = tiny(tmp_path, "kept"), tiny(tmp_path, "gone")
    for package in (kept, gone):
        await build(store, package)
    built = {line for line in run_podman("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines() if line}
    await store.prune(built - {store.reference(gone, "main")})
    left = run_podman("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines()
    assert store.reference(kept, "main") in left
    assert store.reference(gone, "main") not in left
    run_podman("rmi", store.reference(kept, "main"))


async def test_a_containerfile_is_built_upon_an_image_of_this_node(store: ImageStore, tmp_path: Path) -> None:
    base = tiny(tmp_path, "base")
    await build(store, base)
    folder = tmp_path / "ours"
    write_app(tmp_path, "ours")
    manifest = (folder / "manifest.yml").read_text()
    (folder / "manifest.yml").write_text(
        manifest.replace("{type: packages, packages: [busybox-static]}", "{type: containerfile}")
    )
    (folder / "Containerfile").write_text(
        f'FROM {store.reference(base, "main")}\nRUN ["/usr/bin/busybox", "touch", "/made-here"]\n'
    )
    package = load_package(folder)
    await build(store, package)
    found = run_podman(
        "run", "--rm", "--entrypoint", "/usr/bin/busybox", store.reference(package, "main"), "ls", "/made-here"
    )
    assert found == "/made-here"
    for built in (package, base):
        run_podman("rmi", store.reference(built, "main"))
