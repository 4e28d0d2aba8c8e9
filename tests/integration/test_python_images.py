"""Python packages in images, for real: from the index by hash, wheels as they are, source distributions built first."""

from pathlib import Path

import pytest

from archipelago.container.images.store import ImageStore
from archipelago.container.manifest.package import AppPackage, load_package
from archipelago.container.podman_client.client import PodmanClient
from archipelago.errors import NodeError
from support.harness import podman as run_podman
from support.image_stores import build, prune, store_in
from support.tiny_apps import write_app

pytestmark = pytest.mark.timeout(900)
WHEEL = "iniconfig==2.1.0 --hash=sha256:9deba5723312380e77435581c6bf4935c94cbfab9b1ed33ef8d238ea168eb760\n"
SDIST = "pyaes==1.6.1 --hash=sha256:02c1b1405c38d3c370b085fb952dd8bea3fadcee6411ad99f312cc129c536d8f\n"
SETUPTOOLS = "setuptools==84.2.1 --hash=sha256:ca140b45d5325a9478f880e351484f62fef15f336462e449ca0c03c873d589c2\n"
SITE = "/usr/lib/python3/dist-packages"


@pytest.fixture
def store(podman: PodmanClient, tmp_path: Path) -> ImageStore:
    """A store with a work directory of its own."""
    for closed in (tmp_path, *tmp_path.parents[:2]):
        closed.chmod(0o711)  # as a node's data folder is
    return store_in(podman, tmp_path / "builds")


def python_app(folder: Path, app: str, requirements: str, backends: str | None = None) -> AppPackage:
    """Return an app with Python packages."""
    write_app(folder, app)
    manifest = folder / app / "manifest.yml"
    more = ", python_build: {requirements: build-requirements.txt}" if backends is not None else ""
    recipe = f"{{type: packages, packages: [busybox-static], python: requirements.txt{more}}}"
    manifest.write_text(manifest.read_text().replace("{type: packages, packages: [busybox-static]}", recipe))
    (folder / app / "requirements.txt").write_text(requirements)
    if backends is not None:
        (folder / app / "build-requirements.txt").write_text(backends)
    return load_package(folder / app)


def listed(name: str, folder: str) -> list[str]:
    """Return what is in a folder of an image."""
    return run_podman("run", "--rm", "--entrypoint", "/usr/bin/busybox", name, "ls", folder).split()


async def test_a_wheel_and_a_source_distribution_come_into_the_image_and_the_same_bytes_come_again(
    store: ImageStore, tmp_path: Path
) -> None:
    package = python_app(tmp_path, "pythonic", WHEEL + SDIST, SETUPTOOLS)
    name = store.reference(package, "main")
    said = await build(store, package)
    assert "builds Python packages" in said
    assert {"iniconfig", "iniconfig-2.1.0.dist-info", "pyaes", "pyaes-1.6.1.dist-info"} <= {*listed(name, SITE)}
    layers = run_podman("image", "inspect", name, "--format", "{{json .RootFS.Layers}}")
    run_podman("rmi", name)
    await build(store, package)
    assert run_podman("image", "inspect", name, "--format", "{{json .RootFS.Layers}}") == layers
    run_podman("rmi", name)
    await prune(store, set())


async def test_a_source_distribution_without_backends_is_refused_and_the_message_says_what_to_do(
    store: ImageStore, tmp_path: Path
) -> None:
    with pytest.raises(NodeError) as caught:
        await build(store, python_app(tmp_path, "unbuilt", WHEEL + SDIST))
    assert "no pinned file is a wheel of pyaes==1.6.1 for Python 3.11" in caught.value.message
    assert "python_build" in caught.value.hint


async def test_a_backend_that_is_not_pinned_is_named(store: ImageStore, tmp_path: Path) -> None:
    with pytest.raises(NodeError, match=r"pyaes-1.6.1.tar.gz needs setuptools, which 'python_build' does not name"):
        await build(store, python_app(tmp_path, "unpinned", SDIST, WHEEL))
    await prune(store, set())


async def test_a_hash_that_the_index_does_not_have_is_refused(store: ImageStore, tmp_path: Path) -> None:
    requirements = f"iniconfig==2.1.0 --hash=sha256:{'0' * 64}\n"
    with pytest.raises(NodeError, match=r"iniconfig==2.1.0 is not to be had from the index: no such file \(line 1\)"):
        await build(store, python_app(tmp_path, "unknown", requirements))
