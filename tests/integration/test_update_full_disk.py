"""A version that fills the disk goes back: nothing could be written down for that if no room had been kept."""

import os
from pathlib import Path

import pytest

from support.harness import TestNode, remove_leftovers
from support.tiny_apps import TCP, write_app

SMALL_DISK = os.environ.get("ARCHIPELAGO_SMALL_DISK")

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(SMALL_DISK is None, reason="'make test' mounts the small disk that this test fills"),
]


def offer(node: TestNode, script: str, version: str) -> None:
    """Offer a version of the app in the catalog."""
    assert node.apps is not None
    health = f"mounts: [{{volume: data, path: /data}}]\n    {TCP}"
    more = "volumes: {data: {data: files}}"
    write_app(node.apps, "app", command=f"[sh, -c, '{script}']", health=health, more=more, version=version, grace="1s")


async def test_a_version_that_fills_the_disk_goes_back(tmp_path: Path) -> None:
    assert SMALL_DISK is not None
    remove_leftovers()
    node = TestNode("full-update", apps=tmp_path, disk=Path(SMALL_DISK), environment={"ARCHIPELAGO_SOAK": "5"})
    try:
        await node.start()
        offer(node, "echo 1.0 > /data/state; exec busybox httpd -f -p 8000 -h /data", "1.0")
        await node.install("app")
        fill = "busybox dd if=/dev/zero of=/data/$(busybox date +%s) bs=1M; exit 3"
        offer(node, f"echo 2.0 > /data/state; {fill}", "2.0")
        ended = await node.ended(await node.call("container-update", app="app"))
        assert ended["state"] == "failed" and "are back" in ended["error"]["message"]
        assert (await node.call("container-status", app="app"))["version"] == "1.0"
        # What the new version left is kept, and still fills the disk: apps wait until their owner deletes it.
        [left] = [one for one in await node.call("snapshot-list", app="app") if one["kind"] == "rejected"]
        await node.call("snapshot-delete", app="app", snapshot=left["name"])
        await node.until("app", "healthy")
        assert await node.execute("app", "busybox", "ls", "/data") == "state\n"
        assert not list((node.root / "apps").rglob(".room"))
    finally:
        await node.destroy()
