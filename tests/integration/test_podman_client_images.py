"""The client's contract with a real Podman: networks and images."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import (
    AlreadyExists,
    BadRequest,
    ImageMissing,
    NotFound,
    PodmanConflict,
    PodmanError,
)
from archipelago.container.podman_client.models import ImageProgress
from archipelago.container.podman_client.spec import NetworkAttachment
from support.podman_fixtures import TEST_IMAGE, TEST_LABEL, Corner, busybox_rootfs

pytestmark = pytest.mark.timeout(300)

BUILT = "localhost/archipelago-test/built:1"


async def test_a_network_is_made_as_asked(corner: Corner) -> None:
    networks = corner.podman.networks
    made = await corner.network()
    found = await networks.inspect(made.name)
    assert (found.name, found.internal, found.isolate, found.dns_enabled) == (made.name, True, True, True)
    assert found.labels == corner.labels and len(found.subnets) == 1
    assert [one.name for one in await networks.list(labels=dict(corner.labels))] == [made.name]
    with pytest.raises(AlreadyExists):
        await corner.network()
    with pytest.raises(PodmanConflict):
        await corner.network("other", subnets=found.subnets)
    assert await networks.exists(made.name)
    assert await networks.remove(made.name)
    assert not await networks.remove(made.name)
    assert not await networks.exists(made.name)
    with pytest.raises(NotFound):
        await networks.remove(made.name, ignore_missing=False)
    with pytest.raises(NotFound):
        await networks.inspect(made.name)


async def test_a_network_in_use_is_not_removed(corner: Corner) -> None:
    network = await corner.network()
    await corner.running(networks={network.name: NetworkAttachment()})
    with pytest.raises(PodmanConflict):
        await corner.podman.networks.remove(network.name)
    assert await corner.podman.networks.exists(network.name)


async def test_containers_join_and_leave_while_they_run(corner: Corner) -> None:
    first, second = await corner.network("n1"), await corner.network("n2")
    a = await corner.running("a", networks={first.name: NetworkAttachment()})
    b = await corner.running("b", networks={second.name: NetworkAttachment(("bee",))})
    run = corner.podman.containers.exec
    address = (await corner.podman.containers.inspect(b)).networks[second.name].ip
    assert (await run(a, ["ping", "-c1", "-W1", str(address)])).exit_code != 0, "two internal networks are apart"
    await corner.podman.networks.connect(second.name, a, aliases=["late"])
    with pytest.raises(PodmanConflict):
        await corner.podman.networks.connect(second.name, a)
    async with asyncio.timeout(60):
        # The name server starts anew with each change and refuses for a moment.
        while (resolved := await run(b, ["nslookup", "late"])).exit_code:
            await asyncio.sleep(0.05)
    joined = (await corner.podman.containers.inspect(a)).networks[second.name]
    assert str(joined.ip) in resolved.stdout.decode() and "late" in joined.aliases
    await corner.podman.networks.disconnect(second.name, a)
    assert second.name not in (await corner.podman.containers.inspect(a)).networks
    with pytest.raises(NotFound):
        await corner.podman.networks.disconnect(second.name, a)


async def test_an_image_is_imported(podman: PodmanClient, tmp_path: Path) -> None:
    reference = "localhost/archipelago-test/imported:1"
    tar = busybox_rootfs(tmp_path / "rootfs.tar")
    image_id = await podman.images.import_tar(
        reference, tar, changes=["CMD echo hello", f"LABEL {TEST_LABEL}=imported"]
    )
    details = await podman.images.inspect(reference)
    assert details.id == image_id and details.names == (reference,) and details.size > 100_000
    assert details.labels == {TEST_LABEL: "imported"} and details.digest.startswith("sha256:")
    assert await podman.images.exists(f"{reference.rpartition(':')[0]}@{details.digest}")
    assert [one.id for one in await podman.images.list(labels={TEST_LABEL: "imported"})] == [image_id]
    assert (await podman.images.remove(reference)).ids == (image_id,)
    assert not await podman.images.exists(reference)


async def test_tags(podman: PodmanClient) -> None:
    other = "localhost/archipelago-test/other:2"
    await podman.images.tag(TEST_IMAGE, other)
    assert {TEST_IMAGE, other} <= set((await podman.images.inspect(other)).names)
    assert (await podman.images.remove(other)).ids == ()
    assert not await podman.images.exists(other) and await podman.images.exists(TEST_IMAGE)
    with pytest.raises(ImageMissing):
        await podman.images.inspect(other)
    assert (await podman.images.remove(other)).ids == ()
    with pytest.raises(ImageMissing):
        await podman.images.remove(other, ignore_missing=False)


async def test_a_part_of_a_name_is_no_image(podman: PodmanClient) -> None:
    for part in ("busybox", "archipelago-test/busybox:1", "4ef8", "", "localhost/"):
        with pytest.raises(BadRequest):
            await podman.images.inspect(part)
    assert not await podman.images.exists("localhost/busybox:1")
    assert not await podman.images.exists("localhost/archipelago-test/busybox:2")


async def test_an_image_in_use_is_not_removed(corner: Corner) -> None:
    await corner.podman.containers.create(corner.spec())
    with pytest.raises(PodmanConflict):
        await corner.podman.images.remove(TEST_IMAGE)


async def last_image(progress: AsyncIterator[ImageProgress]) -> str | None:
    """Read a pull to its end, and return the image's ID."""
    return [step.image_id async for step in progress][-1]


async def test_a_failed_pull_raises(podman: PodmanClient) -> None:
    with pytest.raises(PodmanError, match="refused") as error:
        await last_image(podman.images.pull("localhost:1/none:1"))
    assert error.value.status == 200, "the error came inside a reply of success"
    assert await last_image(podman.images.pull(TEST_IMAGE)), "what is here is not fetched"


async def test_imports_of_the_same_at_the_same_time_keep_their_names(podman: PodmanClient, tmp_path: Path) -> None:
    tar = busybox_rootfs(tmp_path / "rootfs.tar")
    references = [f"localhost/archipelago-test/same:{number}" for number in range(8)]
    await asyncio.gather(*(podman.images.import_tar(reference, tar) for reference in references))
    assert [reference for reference in references if not await podman.images.exists(reference)] == []
    for reference in references:
        await podman.images.remove(reference)


async def test_prune_takes_only_its_own(podman: PodmanClient, tmp_path: Path) -> None:
    tar = busybox_rootfs(tmp_path / "rootfs.tar")
    label = f"LABEL {TEST_LABEL}=prune"
    reference = "localhost/archipelago-test/prune:1"
    first = await podman.images.import_tar(reference, tar, changes=[label, "ENV N=1"])
    second = await podman.images.import_tar(reference, tar, changes=[label, "ENV N=2"])
    assert (await podman.images.prune(labels={TEST_LABEL: "something else"})).ids == ()
    assert (await podman.images.prune(labels={TEST_LABEL: "prune"})).ids == (first,)
    assert (await podman.images.remove(reference)).ids == (second,)
