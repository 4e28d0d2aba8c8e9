"""Images of which a power cut left parts: they are made again, and those of others are in nobody's way."""

import asyncio
import contextlib
import io
import os
import secrets
import tarfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from archipelago.container.images.damage import DamagedImages
from archipelago.container.images.store import ImageStore
from archipelago.container.manifest.package import AppPackage
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.image_records import read_image_records
from archipelago.container.podman_client.service import PodmanService
from archipelago.container.podman_client.spec import ContainerSpec, IdMappings, IdRange
from archipelago.performance.host import read_host_facts
from support.harness import has_image, remove_leftovers, running_node, until_pruned
from support.harness import podman as run_podman
from support.image_damage import DAMAGE, cut_removal_off, stored_image
from support.image_stores import build, prune, pulling, store_in
from support.podman_fixtures import TEST_IMAGE, busybox_rootfs, ensure_test_image
from support.sudden_end import cut_power
from support.tiny_apps import write_app
from support.tiny_registry import TinyImage, tiny_registry

pytestmark = pytest.mark.timeout(300)

OTHER = "localhost/somebody/other:1"
HELD = "somebodys-own"


@dataclass(frozen=True, slots=True)
class Scene:
    """An app whose image is in a registry, and the root file system of it: no other image has that layer."""

    name: str
    package: AppPackage
    root: Path
    work: Path


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """An app whose image is pulled."""
    root = unique_root(tmp_path / "root.tar")
    pulled = TinyImage(root.read_bytes(), read_host_facts(tmp_path).architecture.value, {})
    async with tiny_registry(Path.home(), tmp_path, pulled) as host:
        name = f"{host}/cut@{pulled.digest}"
        yield Scene(name, pulling(tmp_path, "cut", name), root, tmp_path / "builds")


def unique_root(tar: Path) -> Path:
    """Write a root file system that has never been one before."""
    busybox_rootfs(tar)
    with tarfile.open(tar, "a") as archive:
        member = tarfile.TarInfo("etc/unique")
        member.size = 16
        archive.addfile(member, io.BytesIO(secrets.token_bytes(16)))
    return tar


@contextlib.asynccontextmanager
async def podman_process() -> AsyncIterator[PodmanClient]:
    """Run a Podman that reads what is on the disk now."""
    folder = Path(os.environ["XDG_RUNTIME_DIR"])
    service = PodmanService(folder / "test-damage.sock", folder / "test-damage.log")
    await service.ensure()
    try:
        async with PodmanClient(service) as client:
            yield client
    finally:
        await service.stop()


async def is_usable(store: ImageStore, client: PodmanClient, package: AppPackage) -> bool:
    """Return whether a container of the package's image runs."""
    image = await store.image_id(package, "main")
    assert image is not None
    spec = ContainerSpec(name="archipelago-test-cut", image=image, command=("/bin/true",))
    await client.containers.create(spec)
    try:
        await client.containers.start(spec.name)
        return await client.containers.wait(spec.name, timeout=150) == 0
    finally:
        await client.containers.remove(spec.name, force=True)


async def all_names(client: PodmanClient) -> set[str]:
    """Return the names of all images."""
    return {name for image in await client.images.list() for name in image.names}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_damaged_image_is_pulled_again(damage: str, scene: Scene) -> None:
    async with podman_process() as client:
        before = await all_names(client)
        await build(store_in(client, scene.work), scene.package)
        # Somebody's own, of the same layer, and so as damaged. It keeps the layer for as long as it is here.
        await client.images.import_tar(OTHER, scene.root, changes=["LABEL other=1"])
    DAMAGE[damage](stored_image(scene.name))
    async with podman_process() as client:
        store = store_in(client, scene.work)
        assert any("Copying blob" in line for line in await build(store, scene.package))
        assert await is_usable(store, client, scene.package)
        assert await build(store, scene.package) == ["already here"]
        await prune(store, before)
        assert not has_image(scene.name)
        await client.images.remove(OTHER)
        assert await all_names(client) == before


async def test_images_without_a_file_and_lists_of_images_stay_and_are_in_nobodys_way(scene: Scene) -> None:
    """Podman 4.3 panics over the first, and answers for another image where it is asked about the second."""
    base = f"localhost/somebody/{secrets.token_hex(4)}"
    recipe = scene.root.with_name("Containerfile")
    recipe.write_text("FROM scratch\nLABEL empty=1\n")
    names = (f"{base}-empty:1", f"{base}-list:1", f"{base}-nothing:1")
    async with podman_process() as client:
        await build(store_in(client, scene.work), scene.package)
        run_podman("build", "--tag", names[0], "--file", str(recipe))
        for name in names[1:]:
            run_podman("manifest", "create", name)
        run_podman("manifest", "add", names[1], f"containers-storage:{scene.name}")
    DAMAGE["no folder of the layer"](stored_image(scene.name))
    async with podman_process() as client:
        try:
            store = store_in(client, scene.work)
            assert any("Copying blob" in line for line in await build(store, scene.package))
            assert await is_usable(store, client, scene.package)
            graph_root = Path((await client.info()).graph_root)
            there = {name for record in read_image_records(graph_root) for name in record.names}
            assert there.issuperset(names)
        finally:
            run_podman("rmi", "--ignore", names[0])
            run_podman("manifest", "rm", *names[1:])
            await client.images.remove(scene.name)


@pytest.mark.parametrize("damage", ["no record of the layer", "no folder of the layer", "empty manifest"])
async def test_a_damaged_image_that_somebody_else_uses_is_in_nobodys_way(damage: str, scene: Scene) -> None:
    async with podman_process() as client:
        before = await all_names(client)
        await client.images.import_tar(OTHER, unique_root(scene.root), changes=["LABEL other=1"])
        other = stored_image(OTHER)
        await client.containers.create(ContainerSpec(name=HELD, image=OTHER, command=("sleep", "1000")))
    DAMAGE[damage](other)
    async with podman_process() as client:
        try:
            store = store_in(client, scene.work)
            await build(store, scene.package)
            assert await is_usable(store, client, scene.package)
            await prune(store, before | {scene.name})
            assert has_image(scene.name)
            await prune(store, before)
            assert not has_image(scene.name)
            await DamagedImages(client).remove()
            assert await client.containers.exists(HELD)
        finally:
            await client.containers.remove(HELD, force=True)
            await client.images.untag(other.id)
            await client.images.remove(other.id)


async def test_what_a_removal_that_was_cut_off_has_left_is_in_no_images_way(scene: Scene) -> None:
    ids = (IdRange(0, 1, 65_536),)
    async with podman_process() as client:
        await client.images.import_tar(OTHER, scene.root)
        spec = ContainerSpec(name=HELD, image=OTHER, command=("true",), id_mappings=IdMappings(ids, ids))
        await client.containers.create(spec)
        await client.containers.remove(spec.name)
    cut_removal_off(stored_image(OTHER))
    async with podman_process() as client:
        again = await client.images.import_tar(OTHER, scene.root)
        await client.containers.create(spec)
        await client.containers.start(spec.name)
        assert await client.containers.wait(spec.name, timeout=150) == 0
        await client.containers.remove(spec.name, force=True)
        await client.images.remove(again)


async def test_the_test_image_is_made_again_for_the_next_test(scene: Scene) -> None:
    async with podman_process() as client:
        await ensure_test_image(client, busybox_rootfs(scene.root))
    DAMAGE["no record of the layer"](stored_image(TEST_IMAGE))
    async with podman_process() as client:
        await ensure_test_image(client, scene.root)
        spec = ContainerSpec(name="archipelago-test-cut", image=TEST_IMAGE, command=("true",))
        await client.containers.create(spec)
        await client.containers.remove(spec.name)


async def test_apps_come_up_after_a_power_cut_that_damaged_their_image(tmp_path: Path) -> None:
    remove_leftovers()
    write_app(apps := tmp_path / "catalog", "cut")
    write_app(apps, "resting")
    async with running_node("damage", apps=apps) as node:
        await asyncio.gather(node.install("cut"), node.install("resting"))
        image = stored_image((await node.call("container-status", app="cut"))["containers"][0]["image"])
        # It has the same layer, and a container that does not run.
        await node.done(await node.call("container-stop", app="resting"))
        cut_power(node)
        DAMAGE["no folder of the layer"](image)
        await node.start()
        await node.until("cut", "healthy")
        await node.done(await node.call("container-start", app="resting"))
        await until_pruned(image.id)  # what was left of it, though other containers had used its layer
