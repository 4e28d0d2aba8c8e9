"""Snapshots looked into with real Podman: as files, and as a copy of the app that runs without network."""

import asyncio
import base64
import os
import shutil
import sys
from collections.abc import AsyncIterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio

from archipelago.container.podman_client.labels import TRIAL
from support.checkout import TESTS
from support.harness import APPS_AT, ROOT, RpcError, TestNode, free_port, podman, remove_all, remove_leftovers
from support.tiny_apps import TCP, write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600), pytest.mark.waits]

DISK = Path(os.environ.get("ARCHIPELAGO_BTRFS_DISK") or ROOT)
"""Where the tests have one, a disk on which a copy takes a moment."""
WEB = (
    "[ -e /files/state ] || { echo 1 > /files/state; busybox mkdir -p /files/deep; "
    "busybox ln -s /etc/passwd /files/link; "
    "busybox ln -s / /files/root; busybox mkfifo /files/pipe; echo deep > /files/deep/one; }; "
    'busybox grep -q bad /files/state && { echo "the data is broken"; exit 7; }; '
    "busybox nc db 9000 < /dev/null || exit 8; exec busybox httpd -f -p 8000 -h /files"
)
DB = """
  db:
    build: {type: packages, packages: [busybox-static]}
    entrypoint: [/usr/bin/busybox]
    command: [httpd, -f, -p, "9000", -h, /tmp]
    health: {probe: {type: tcp, port: 9000}, interval: 1s, start_timeout: 5s}
volumes:
  files: {data: files}
endpoints: {web: {kind: ui, protocol: http, container: main, port: 8000, host_port: %d}}
provides: {i: {container: main, port: 8000}}
secrets: {key: {}}"""
MOUNT = "mounts: [{volume: files, path: /files}]\n    after: [db]"
USER = "busybox nc i 8000 < /dev/null || exit 3; exec busybox httpd -f -p 8000 -h /tmp"
CHANNELS = """volumes: {channels: {data: never-restore, funds: true, exclusive: true}}
reversible: "no\""""


def inside(*words: str) -> str:
    """Run a command as root of the namespace, which reads what apps have."""
    return podman("unshare", *words)


def tree(path: Path) -> str:
    """Return the hash of all that is in a folder, owners and links included."""
    return inside("env", f"PYTHONPATH={TESTS}", sys.executable, "-m", "support.trees", str(path))


def copies(node: TestNode) -> list[str]:
    """Return the containers of scratch copies that are there."""
    return podman("ps", "-a", "--filter", f"label={TRIAL}={node.node_id()}", "--format", "{{.Names}}").split()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with an app of two containers and a snapshot of it, and one with channel state."""
    remove_leftovers()
    found = TestNode("travel", apps=tmp_path_factory.mktemp("catalog"), disk=DISK)
    try:
        await found.start()
        assert found.apps is not None
        write_app(found.apps, "app", command=f"[sh, -c, '{WEB}']", health=f"{MOUNT}\n    {TCP}{DB % free_port()}")
        health = f"mounts: [{{volume: channels, path: /channels}}]\n    {TCP}"
        write_app(found.apps, "channels", health=health, more=CHANNELS)
        await found.install("app")
        write_app(found.apps, "user", command=f"[sh, -c, '{USER}']", more="requires: {i: {}}")
        await found.install("channels")
        await found.install("user")
        await found.done(await found.call("snapshot-take", app="app"))
        yield found
    finally:
        found.kill()
        remove_all(f"{TRIAL}={found.node_id()}")
        await found.destroy()


@pytest.fixture
async def snapshot(node: TestNode) -> str:
    """The name of the newest snapshot of the app."""
    return str((await node.call("snapshot-list", app="app"))[0]["name"])


async def look(node: TestNode, snapshot: str, minutes: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = await node.call("snapshot-look", app="app", snapshot=snapshot, minutes=minutes)
    return found


async def until_up(node: TestNode) -> str:
    """Return what the operation says once a copy runs."""
    async with asyncio.timeout(200):
        while True:
            (operation, *_) = await node.call("operation-list")
            assert operation["state"] == "running", (operation, node.log())
            if said := [step["detail"] for step in operation["steps"] if "min" in step["detail"]]:
                return str(said[0])
            await asyncio.sleep(0.05)


async def test_a_copy_comes_up_without_network_and_leaves_nothing(node: TestNode, snapshot: str) -> None:
    place = node.root / "apps/app/snapshots" / snapshot
    before, status = tree(place), await node.call("container-status", app="app")
    command = ["sh", "-c", "echo 2 > /files/state"]
    await node.call("container-exec", app="app", container="main", command=["busybox", *command])
    opened = await look(node, snapshot, minutes=10)
    page = (await until_up(node)).rpartition(" ")[2]
    at = urlsplit(page)
    assert IPv4Address("127.64.0.0") <= IPv4Address(at.hostname or "0.0.0.0"), "no page finds it: no login is in front"
    async with aiohttp.ClientSession() as session, session.get(f"{page}/state") as answer:
        assert await answer.text() == "1\n", "what the snapshot has"
    for guessed in ("127.0.0.1", APPS_AT):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(guessed, at.port)
    assert len(copies(node)) == 3
    for name in copies(node):
        pid, timeout = podman("inspect", "--format", "{{.State.Pid}} {{.Config.Timeout}}", name).split()
        assert int(timeout) > 600, "conmon ends it without a daemon"
        devices = Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]
        assert [line.partition(":")[0].strip() for line in devices] == ["lo"], devices
    after = await node.call("container-status", app="app")
    assert [each["started_at"] for each in after["containers"]] == [each["started_at"] for each in status["containers"]]
    cancelled = await node.call("operation-cancel", id=opened["id"])
    assert (await node.ended(cancelled))["state"] == "cancelled"
    assert copies(node) == []
    assert not (node.root / "apps/app/trial").exists() and not list((node.runtime / "trials").iterdir())
    assert tree(place) == before, "the snapshot is as it was"
    with pytest.raises(aiohttp.ClientError):
        async with aiohttp.ClientSession() as session, session.get(f"{page}/state"):
            pass


async def test_files_are_listed_and_read_and_nothing_leads_out(node: TestNode, snapshot: str) -> None:
    where = {"app": "app", "snapshot": snapshot}
    found = await node.call("snapshot-files", **where)
    assert [each["name"] for each in found["entries"]] == ["files"]
    found = await node.call("snapshot-files", **where, path="volumes/files")
    kinds = {each["name"]: each["kind"] for each in found["entries"]}
    assert kinds == {"deep": "folder", "link": "link", "pipe": "other", "root": "link", "state": "file"}
    piece = await node.call("snapshot-file", **where, path="volumes/files/deep/one")
    assert base64.b64decode(piece["content"]) == b"deep\n" and piece["size"] == 5
    for path in ("volumes/files/link", "volumes/files/pipe", "volumes/files/root/etc/passwd", "volumes/none/x"):
        with pytest.raises(RpcError):
            await node.call("snapshot-file", **where, path=path)
    for path in ("secrets", "secrets/key.age", "volumes/../secrets/key.age", "record.json"):
        with pytest.raises(RpcError, match="no path in a snapshot"):
            await node.call("snapshot-files", **where, path=path)
    entries = await node.call("audit-show", limit=50)
    assert any(each["action"] == "snapshot-file" for each in entries), "whoever reads is on record"


async def test_one_folder_is_restored_without_touching_the_app(node: TestNode, snapshot: str) -> None:
    to = DISK / "extracted"
    where = {"app": "app", "snapshot": snapshot, "to": str(to)}
    await node.call("snapshot-extract", **where, path="volumes/files")
    try:
        assert (to / "deep/one").read_text() == "deep\n", "it belongs to the node's user"
        assert (to / "link").is_symlink() and not (to / "pipe").exists()
        with pytest.raises(RpcError, match="cannot be made"):
            await node.call("snapshot-extract", **where, path="volumes/files")
    finally:
        shutil.rmtree(to)
    with pytest.raises(RpcError, match="not in this snapshot"):
        await node.call("snapshot-extract", **where, path="volumes/files/root/etc/passwd")
    assert not to.exists(), "nothing is left of it"
    with pytest.raises(RpcError, match="own data"):
        await node.call("snapshot-extract", **{**where, "to": f"{node.root}/apps/x"}, path="volumes/files")


async def test_data_that_no_app_comes_up_with_fails_and_says_why(node: TestNode, snapshot: str) -> None:
    volume = node.root / "apps/app/snapshots" / snapshot / "volumes/files"
    inside("sh", "-c", f"echo bad > {volume}/state")
    try:
        ended = await node.ended(await look(node, snapshot))
    finally:
        inside("sh", "-c", f"echo 1 > {volume}/state")
    assert ended["state"] == "failed", ended
    assert "exit code 7" in ended["error"]["message"], ended
    assert "the data is broken" in ended["error"]["data"]["logs"]
    assert copies(node) == []


async def test_of_an_app_that_needs_another_nothing_is_claimed(node: TestNode) -> None:
    await node.done(await node.call("snapshot-take", app="user"))
    name = (await node.call("snapshot-list", app="user"))[0]["name"]
    ended = await node.done(await node.call("snapshot-look", app="user", snapshot=name))
    said = ended["steps"][-1]["detail"]
    assert "not known: it needs app" in said and "exit code 3" in said


async def test_channel_state_is_never_copied(node: TestNode) -> None:
    await node.done(await node.call("snapshot-take", app="channels"))
    name = (await node.call("snapshot-list", app="channels"))[0]["name"]
    with pytest.raises(RpcError, match="loses money"):
        await node.call("snapshot-look", app="channels", snapshot=name)


async def test_a_copy_ends_with_the_daemon_and_a_crash_leaves_none(node: TestNode, snapshot: str) -> None:
    opened = await look(node, snapshot, minutes=60)
    await until_up(node)
    node.kill()
    assert len(copies(node)) == 3
    await node.start()
    ended = await node.ended(await node.call("operation-wait", id=opened["id"], timeout=30))
    assert ended["state"] == "failed" and "ended with the node" in ended["error"]["message"], ended
    assert copies(node) == []
    async with asyncio.timeout(200):
        while (node.root / "apps/app/trial").exists():
            await asyncio.sleep(0.05)
    await node.until("app", "healthy")
