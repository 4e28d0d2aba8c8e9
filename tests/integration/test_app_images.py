"""Images over the life of an app in a running node: what it says of them, and what is left of them."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from archipelago.container.images.recipe import reference
from archipelago.container.manifest.package import load_package
from archipelago.performance.host import read_host_facts
from support.harness import TestNode, has_image, podman, remove_leftovers, running_node, until_pruned
from support.podman_fixtures import busybox_rootfs
from support.tiny_apps import write_app
from support.tiny_registry import TinyImage, tiny_registry

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


def image_id(reference: str) -> str:
    """Return the ID of an image."""
    return podman("image", "inspect", "--format", "{{.Id}}", reference)


async def test_a_removal_takes_away_what_was_pulled_and_an_update_keeps_its_way_back(
    node: TestNode, tmp_path: Path
) -> None:
    root = await asyncio.to_thread(lambda: busybox_rootfs(tmp_path / "root.tar").read_bytes())
    architecture = read_host_facts(tmp_path).architecture.value
    # Others than those that a run which was killed may have left.
    old, new = (TinyImage(root, architecture, {"io.archipelago.test": secrets.token_hex(8)}) for _ in range(2))
    async with tiny_registry(Path.home(), tmp_path, old, new) as host:
        first, second = f"{host}/pulled:1@{old.digest}", f"{host}/pulled:2@{new.digest}"
        write_pulled(node, first, "1.0")
        operation = await node.install("pulled")
        step = next(each for each in operation["steps"] if each["name"] == "image of pulled")
        assert (step["state"], step["percent"], step["detail"]) == ("done", 100.0, "pulled; 0 packages")
        old_id = image_id(first)
        write_pulled(node, second, "2.0")
        await node.done(await node.call("container-update", app="pulled"))
        new_id = image_id(second)
        await node.done(await node.call("container-remove", app="pulled", delete_data=True))
        await until_pruned(new_id)
        assert image_id(first) == old_id, "it stays for a week, whatever was pruned meanwhile"
        podman("image", "rm", "--force", old_id)


async def test_an_image_that_keeps_data_where_the_manifest_does_not_is_refused(node: TestNode, tmp_path: Path) -> None:
    root = await asyncio.to_thread(lambda: busybox_rootfs(tmp_path / "root.tar").read_bytes())
    architecture = read_host_facts(tmp_path).architecture.value
    image = TinyImage(root, architecture, {"io.archipelago.test": secrets.token_hex(8)}, "/data", "/data/deep", "/tmp/")
    async with tiny_registry(Path.home(), tmp_path, image) as host:
        write_pulled(node, f"{host}/pulled:1@{image.digest}", "1.0")
        volumes = podman("volume", "ls", "--quiet")  # such as other tests have left
        operation = await node.ended(await node.call("container-install", app="pulled"))
        assert operation["error"]["code"] == "image", operation
        assert "keeps data in /data, /data/deep, /tmp, where" in operation["error"]["message"]
        assert "mount a volume there" in operation["error"]["hint"]
        assert "pulled" not in {each["app"] for each in await node.call("container-list")}

        assert node.apps is not None
        manifest = node.apps / "pulled" / "manifest.yml"
        covered = "mounts: [{volume: data, path: /data}]\n    tmpfs: [{path: /tmp}]\n    init: true"
        manifest.write_text(manifest.read_text().replace("init: true", covered) + "\nvolumes: {data: {data: files}}\n")
        await node.install("pulled")
        assert podman("volume", "ls", "--quiet") == volumes
        await node.done(await node.call("container-remove", app="pulled", delete_data=True))


async def test_apps_removed_at_the_same_time_beside_an_installation_leave_no_image(node: TestNode) -> None:
    assert node.apps is not None
    apps = [f"same{number}" for number in range(4)]
    for app in apps:
        write_app(node.apps, app)
        await node.install(app)
    images = [image_id(reference(load_package(node.apps / app), "main")) for app in apps]
    write_app(node.apps, "slow", packages="busybox-static, python3-minimal, perl-base")
    build = await node.call("container-install", app="slow")
    for removal in [await node.call("container-remove", app=app, delete_data=True) for app in apps]:
        await node.done(removal)
    await node.done(build)
    await until_pruned(*images)
    image = image_id(reference(load_package(node.apps / "slow"), "main"))
    await node.done(await node.call("container-remove", app="slow", delete_data=True))
    await until_pruned(image)


async def test_an_app_that_is_removed_and_installed_again_finds_its_image(node: TestNode) -> None:
    assert node.apps is not None
    write_app(node.apps, "again")
    write_app(node.apps, "goes", packages="busybox-static, base-files")
    await node.install("again")
    await node.install("goes")
    kept, gone = (image_id(reference(load_package(node.apps / app), "main")) for app in ("again", "goes"))
    await node.done(await node.call("container-remove", app="again"))
    await node.done(await node.call("container-remove", app="goes", delete_data=True))
    await until_pruned(gone)  # whatever else is superfluous went with it
    assert has_image(kept)
    operation = await node.install("again")
    step = next(each for each in operation["steps"] if each["name"] == "image of again")
    assert step["detail"].startswith("already here")
    await node.done(await node.call("container-remove", app="again", delete_data=True))


async def test_an_operation_keeps_the_notice_of_another_version(node: TestNode) -> None:
    assert node.apps is not None
    write_app(node.apps, "busybox-static")
    operation = await node.install("busybox-static")
    detail = next(each["detail"] for each in operation["steps"] if each["name"] == "image of busybox-static")
    assert detail.startswith("stored; it holds busybox-static 1:1.")
    await node.done(await node.call("container-remove", app="busybox-static", delete_data=True))
