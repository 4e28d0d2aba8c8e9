"""Images over the life of an app in a running node: what it says of them, and what is left of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from podman_fixtures import busybox_rootfs
from tiny_apps import write_app
from tiny_registry import TinyImage, tiny_registry

from archipelago.performance.host import read_host_facts
from harness import TestNode, podman, remove_leftovers, running_node

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
RECIPE = "build: {type: packages, packages: [busybox-static]}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node whose catalog the tests write."""
    remove_leftovers()
    async with running_node("images", apps=tmp_path_factory.mktemp("catalog")) as running:
        yield running


def write_pulled(node: TestNode, reference: str, version: str) -> None:
    """Write an app whose image is pulled."""
    assert node.apps is not None
    write_app(node.apps, "pulled", version=version)
    manifest = node.apps / "pulled" / "manifest.yml"
    text = manifest.read_text().replace(RECIPE, f"image: {reference}")
    manifest.write_text(text.replace("/usr/bin/busybox", "/bin/busybox"))


def is_here(image: TinyImage) -> bool:
    """Tell whether Podman has an image, under whatever name or none."""
    return image.digest in podman("images", "--all", "--digests", "--format", "{{.Digest}}").split()


async def test_an_update_and_a_removal_take_away_what_was_pulled(node: TestNode, tmp_path: Path) -> None:
    root = await asyncio.to_thread(lambda: busybox_rootfs(tmp_path / "root.tar").read_bytes())
    architecture = read_host_facts(tmp_path).architecture.value
    old, new = (TinyImage(root, architecture, {"io.archipelago.test": version}) for version in ("old", "new"))
    async with tiny_registry(Path.home(), tmp_path, old, new) as host:
        write_pulled(node, f"{host}/pulled:1@{old.digest}", "1.0")
        operation = await node.install("pulled")
        step = next(each for each in operation["steps"] if each["name"] == "image of pulled")
        assert (step["state"], step["percent"], step["detail"]) == ("done", 100.0, "pulled; 0 packages")
        assert is_here(old)
        write_pulled(node, f"{host}/pulled:2@{new.digest}", "2.0")
        await node.done(await node.call("container-update", app="pulled"))
        assert is_here(new) and not is_here(old)
        await node.done(await node.call("container-remove", app="pulled", delete_data=True))
        assert not is_here(new)


async def test_apps_that_are_removed_at_the_same_time_leave_no_image(node: TestNode) -> None:
    assert node.apps is not None
    apps = [f"same{number}" for number in range(4)]
    for app in apps:
        write_app(node.apps, app)
        await node.install(app)
    images = podman("images", "--format", "{{.Repository}}").split()
    assert all(f"localhost/archipelago/{app}-main" in images for app in apps)
    removals = [await node.call("container-remove", app=app, delete_data=True) for app in apps]
    for removal in removals:
        await node.done(removal)
    images = podman("images", "--format", "{{.Repository}}").split()
    assert not any(f"localhost/archipelago/{app}-main" in images for app in apps)


async def test_an_operation_keeps_the_notice_of_another_version(node: TestNode) -> None:
    assert node.apps is not None
    write_app(node.apps, "busybox-static")
    operation = await node.install("busybox-static")
    detail = next(each["detail"] for each in operation["steps"] if each["name"] == "image of busybox-static")
    assert detail.startswith("stored; it holds busybox-static 1:1.")
    await node.done(await node.call("container-remove", app="busybox-static", delete_data=True))
