"""A copy of an app that fills the disk is ended, and no app is paused for it."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.harness import podman, remove_leftovers, running_node
from support.tiny_apps import TCP, write_app

SMALL_DISK = os.environ.get("ARCHIPELAGO_SMALL_DISK")
GROWS = (
    "busybox grep -q eth /proc/net/dev || while :; do busybox dd if=/dev/zero bs=1M count=1 >> /files/junk; "
    "busybox sleep 0.4; done & exec busybox httpd -f -p 8000 -h /files"
)
"""Grows where it has no network, as in a copy: slowly, so that a busy machine ends it well before the disk is full."""
FREE = 0.26
"""Part of the disk that is free when it starts: a fifth is plenty, and at a sixth it has to end."""

NAMES = ("archipelago-grows--main", "archipelago-notes--main")

pytestmark = [
    pytest.mark.waits,
    pytest.mark.timeout(900),
    pytest.mark.skipif(SMALL_DISK is None, reason="'make test' mounts the small disk that this test fills"),
]


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Have so much of a disk free, and no more."""
    usage, filler = shutil.disk_usage(disk), disk / "filler"
    try:
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, usage.free - int(FREE * usage.total))
        yield
    finally:
        filler.unlink()


async def test_a_copy_that_fills_the_disk_ends_before_an_app_is_paused(tmp_path: Path) -> None:
    assert SMALL_DISK is not None
    remove_leftovers()
    catalog = tmp_path / "catalog"
    health = f"mounts: [{{volume: files, path: /files}}]\n    {TCP}"
    write_app(catalog, "grows", command=f"[sh, -c, '{GROWS}']", health=health, more="volumes: {files: {data: files}}")
    write_app(catalog, "notes")
    async with running_node("trialroom", apps=catalog, disk=Path(SMALL_DISK)) as node:
        await asyncio.gather(node.install("grows"), node.install("notes"))
        await node.done(await node.call("snapshot-take", app="grows"))
        await node.until("grows", "healthy")
        revision = int((await node.call("system-info"))["revision"])
        (snapshot,) = await node.call("snapshot-list", app="grows")
        ran = podman("inspect", "--format", "{{.State.StartedAt}}", *NAMES)

        with filled(Path(SMALL_DISK)):
            looked = await node.call("snapshot-look", app="grows", snapshot=snapshot["name"], minutes=60)
            ended = await node.ended(looked)
        assert ended["state"] == "failed" and "must stay for the apps" in ended["error"]["message"], ended
        assert not (node.root / "apps/grows/trial").exists()
        events = await node.call("events-since", revision=revision)
        assert not [each for each in events if each["data"].get("action") == "app-pause"]
        assert not [each for each in events if each["data"].get("disk") in ("scarce", "critical")]
        assert podman("inspect", "--format", "{{.State.StartedAt}}", *NAMES) == ran
