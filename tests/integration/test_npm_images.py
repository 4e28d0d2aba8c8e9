"""npm packages from a recipe, for real: npm's registry, an image of them, and what its inventory says."""

import json
from pathlib import Path

import pytest

from archipelago.container.images.store import ImageStore
from archipelago.container.manifest.package import AppPackage, load_package
from archipelago.container.podman_client.client import PodmanClient
from archipelago.errors import NodeError
from archipelago.security.sbom.databases import Ecosystem, packages
from support.harness import podman as run_podman
from support.image_stores import build, prune, store_in
from support.npm_tarballs import lock_of
from support.tiny_apps import write_app

pytestmark = pytest.mark.timeout(300)

SEMVER = {
    "version": "7.7.2",
    "integrity": "sha512-RF0Fw+rO5AMf9MAyaRXI4AV0Ulj5lMHqVxxdSgiVbixSCXoEmmX/jk0CuJw4+3SqroYO9VoUh+HcuJivvtJemA==",
    "bin": {"semver": "bin/semver.js"},
}


@pytest.fixture
def store(podman: PodmanClient, tmp_path: Path) -> ImageStore:
    """A store with a work directory of its own."""
    for closed in (tmp_path, *tmp_path.parents[:2]):
        closed.chmod(0o711)  # as a node's data folder is
    return store_in(podman, tmp_path / "builds")


def npm_app(folder: Path, app: str, entry: dict[str, object]) -> AppPackage:
    """Return an app with a package."""
    write_app(folder, app)
    manifest = folder / app / "manifest.yml"
    recipe = "{type: packages, packages: [busybox-static], npm: {}}"
    manifest.write_text(manifest.read_text().replace("{type: packages, packages: [busybox-static]}", recipe))
    root = {"dependencies": {"semver": "7.7.2"}}
    (folder / app / "package.json").write_text(json.dumps(root))
    (folder / app / "package-lock.json").write_bytes(lock_of({"node_modules/semver": entry}, **root))
    return load_package(folder / app)


async def test_packages_of_the_registry_are_in_the_image_and_in_its_inventory(
    store: ImageStore, tmp_path: Path
) -> None:
    package = npm_app(tmp_path, "versions", SEMVER)
    name = store.reference(package, "main")
    assert "fetches npm packages" in await build(store, package)
    program = "/usr/local/lib/node_modules/.bin/semver"
    say = f"head -n 1 {program}; readlink {program}; test -x {program} && stat -L -c %u:%a {program}"
    printed = run_podman("run", "--rm", "--user=1000:1000", "--entrypoint=/usr/bin/busybox", name, "sh", "-c", say)
    assert printed.splitlines() == ["#!/usr/bin/env node", "../semver/bin/semver.js", "0:755"]
    _, files = await store.databases(package, "main")
    (found,) = (one for one in packages(files) if one.ecosystem is Ecosystem.NPM)
    assert (found.name, found.version, found.license) == ("semver", "7.7.2", "ISC")
    layers = run_podman("image", "inspect", name, "--format", "{{json .RootFS.Layers}}")
    run_podman("rmi", name)
    await build(store, package)
    assert run_podman("image", "inspect", name, "--format", "{{json .RootFS.Layers}}") == layers, "the same bytes"
    run_podman("rmi", name)
    await prune(store, set())


async def test_another_hash_is_refused_before_anything_is_unpacked(store: ImageStore, tmp_path: Path) -> None:
    other = str(SEMVER["integrity"]).replace("RF0F", "RF0G")
    with pytest.raises(NodeError, match=r"semver@7\.7\.2 has another hash than the lock file says"):
        await build(store, npm_app(tmp_path, "other", {**SEMVER, "integrity": other}))
