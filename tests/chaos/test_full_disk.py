"""A disk that is full: each request is refused with the reason, apps are paused, and nothing is lost."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.harness import RpcError, TestNode, podman, remove_leftovers, running_node
from support.tiny_apps import write_app

SMALL_DISK = os.environ.get("ARCHIPELAGO_SMALL_DISK")

pytestmark = [
    pytest.mark.waits,
    pytest.mark.timeout(900),
    pytest.mark.skipif(SMALL_DISK is None, reason="'make test' mounts the small disk that this test fills"),
]


@contextmanager
def full(disk: Path) -> Iterator[Callable[[], None]]:
    """Leave no byte free on a disk; yield what takes what has become free since, as where a file was deleted."""
    filler = disk / "filler"

    def fill() -> None:
        with filler.open("ab", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                while True:
                    try:
                        file.write(b"x" * size)
                    except OSError:
                        break

    try:
        fill()
        yield fill
    finally:
        filler.unlink()


async def refused(node: TestNode, method: str, **parameters: object) -> None:
    """Require that a call is refused, or its operation fails, because the disk is full."""
    try:
        operation = await node.ended(await node.call(method, **parameters))
    except RpcError as error:
        assert error.data["name"] == "disk-full", error
    else:
        assert operation["error"]["code"] == "disk-full", operation


async def test_an_update_whose_copy_does_not_fit_is_refused_while_the_app_runs_on(tmp_path: Path) -> None:
    assert SMALL_DISK is not None
    remove_leftovers()
    catalog = tmp_path / "catalog"
    mounts = {"health": "mounts: [{volume: data, path: /data}]", "more": "volumes: {data: {data: files}}"}
    write_app(catalog, "large", **mounts)
    async with running_node("large", apps=catalog, disk=Path(SMALL_DISK)) as node:
        await node.install("large")
        await node.execute("large", "busybox", "dd", "if=/dev/zero", "of=/data/blob", "bs=1M", "count=64")
        started = podman("inspect", "--format", "{{.State.StartedAt}}", "archipelago-large--main")
        write_app(catalog, "large", version="2.0", **mounts)
        plan = await node.call("plan", app="large")
        assert any("are copied, about" in each for each in plan["warnings"])
        assert any("are missing" in each for each in plan["warnings"])
        await refused(node, "container-update", app="large")
        await refused(node, "snapshot-take", app="large")
        assert podman("inspect", "--format", "{{.State.StartedAt}}", "archipelago-large--main") == started
        assert await node.call("snapshot-list", app="large") == []


async def test_a_full_disk_refuses_changes_pauses_apps_and_loses_nothing(tmp_path: Path) -> None:
    assert SMALL_DISK is not None
    remove_leftovers()
    disk, catalog = Path(SMALL_DISK), tmp_path / "catalog"
    option = "options: {n: {type: int, label: N, default: 1}}"
    write_app(catalog, "here", more=option)
    write_app(catalog, "wanted", version="2.0")
    async with running_node("full", apps=catalog, disk=disk) as node:
        await node.install("here")
        with full(disk) as fill:
            await refused(node, "container-install", app="wanted")
            fill()
            await refused(node, "container-config", app="here", options={"n": 2})
            fill()
            await refused(node, "container-stop", app="here")
            assert [app["app"] for app in await node.call("container-list")] == ["here"]

            async with asyncio.timeout(200):
                while True:
                    status = await node.call("container-status", app="here")
                    if status["health"]["state"] == "stopped":
                        break
                    await asyncio.sleep(0.05)  # health events cannot be written, so there is none to wait for
            assert status["options"] == {"n": 1}
            assert "the node paused it" in status["health"]["reason"]
            node.kill()
        await node.start()
        await node.until("here", "healthy")
        await node.done(await node.call("container-config", app="here", options={"n": 2}))
        await node.install("wanted")
        assert (await node.call("audit-verify"))["faults"] == []
