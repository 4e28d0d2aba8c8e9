"""A disk that fills: apps are paused in order before anything is damaged, and come back when there is space."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from support.harness import CALL_TIMEOUT, RpcError, TestNode, podman, remove_leftovers, running_node
from support.tiny_apps import write_app

SMALL_DISK = os.environ.get("ARCHIPELAGO_SMALL_DISK")
WALLET = "bitcoin: {role: node}"
"""What makes an app one of those that are paused last."""

pytestmark = [
    pytest.mark.waits,
    pytest.mark.timeout(900),
    pytest.mark.skipif(SMALL_DISK is None, reason="'make test' mounts the small disk that this test fills"),
]


class Filler:
    """A file that leaves a share of the disk free."""

    def __init__(self, disk: Path) -> None:
        self._disk = disk
        self._file = disk / "filler"

    def leave(self, share: float) -> None:
        """Fill the disk, or free it, until this share of it is free."""
        self._file.touch()
        usage = shutil.disk_usage(self._disk)
        size = max(0, self._file.stat().st_size + usage.free - int(share * usage.total))
        with self._file.open("r+b") as file:
            os.ftruncate(file.fileno(), min(size, self._file.stat().st_size))
            if size > (had := self._file.stat().st_size):
                os.posix_fallocate(file.fileno(), had, size - had)

    def remove(self) -> None:
        """Free all of it."""
        self._file.unlink(missing_ok=True)


async def until_event(node: TestNode, revision: int, **data: str) -> None:
    """Return once there is an event after `revision` with this data."""
    async with asyncio.timeout(CALL_TIMEOUT):
        while True:
            events = await node.call("events-since", revision=revision)
            if any(data.items() <= each["data"].items() for each in events):
                return
            revision = int(events[-1]["revision"]) if events else revision
            await node.next_event(revision)


async def revision_of(node: TestNode) -> int:
    return int((await node.call("system-info"))["revision"])


async def notice(node: TestNode) -> dict[str, Any]:
    """Return the notice about the disk."""
    (found,) = [each for each in await node.call("node-notices", examine=False) if each["id"] == "disk:data"]
    return dict(found)


async def test_apps_are_paused_in_order_as_the_disk_fills_and_come_back_in_reverse(tmp_path: Path) -> None:
    assert SMALL_DISK is not None
    remove_leftovers()
    disk, catalog = Path(SMALL_DISK), tmp_path / "catalog"
    write_app(catalog, "notes")
    write_app(catalog, "unwanted")
    write_app(catalog, "chain", more=WALLET)
    write_app(catalog, "later", version="3.0")
    filler = Filler(disk)
    async with running_node("short", apps=catalog, disk=disk) as node:
        try:
            for app in ("notes", "unwanted", "chain"):
                await node.install(app)
            ran = podman("inspect", "--format", "{{.State.StartedAt}}", "archipelago-chain--main")

            start = await revision_of(node)
            filler.leave(0.14)
            await until_event(node, start, disk="little")
            warning = await notice(node)
            assert (warning["level"], warning["text"]) == ("warning", "little disk is left")
            assert (await node.call("container-status", app="notes"))["health"]["state"] == "healthy"

            filler.leave(0.07)
            paused = await node.until("notes", "stopped")
            assert paused["desired"] == "running"
            assert "the node paused it" in paused["health"]["reason"]
            assert (await node.call("container-status", app="chain"))["health"]["state"] == "healthy"
            await node.until("unwanted", "stopped")
            assert "notes" in (await notice(node))["text"]
            await node.done(await node.call("container-stop", app="unwanted"))
            started = await node.done(await node.call("container-start", app="notes"))
            assert "the node paused it" in started["steps"][0]["detail"]
            with pytest.raises(RpcError, match="too full to install") as refused:
                await node.call("container-install", app="later")
            assert refused.value.data["name"] == "disk-full"
            assert any("too full" in each for each in (await node.call("plan", app="later"))["obstacles"])

            filler.leave(0.02)
            await node.until("chain", "stopped")
            assert (await notice(node))["level"] == "error"
            start = await revision_of(node)
            node.kill()
            await node.start()  # it finds the same out again
            await until_event(node, start, action="app-pause", app="chain")
            assert (await node.until("chain", "stopped"))["desired"] == "running"
            assert ran == podman("inspect", "--format", "{{.State.StartedAt}}", "archipelago-chain--main")

            start = await revision_of(node)
            filler.remove()
            await node.until("chain", "healthy")
            await node.until("notes", "healthy")
            assert (await node.call("container-status", app="unwanted"))["health"]["reason"] == "its owner stopped it"
            events = await node.call("events-since", revision=start)
            changes = [(each["data"]["action"], each["app"]) for each in events if "action" in each["data"]]
            assert changes == [("app-resume", "chain"), ("app-resume", "notes")]
            entries = await node.call("audit-show", limit=100)
            assert [
                (each["action"], each["subject"]["app"]) for each in entries if each["action"].startswith("app-")
            ] == [
                ("app-pause", "notes"),
                ("app-pause", "unwanted"),
                ("app-pause", "chain"),
                ("app-pause", "notes"),
                ("app-pause", "chain"),
                ("app-resume", "chain"),
                ("app-resume", "notes"),
            ]
        finally:
            filler.remove()
