"""Snapshots looked into with real Podman: as files, and as a copy of the app that runs without network."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from archipelago.container.podman_client.labels import TRIAL
from support.checkout import TESTS
from support.harness import RpcError, TestNode, podman, remove_all, remove_leftovers
from support.tiny_apps import TCP, write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

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
secrets: {key: {}}"""
MOUNT = "mounts: [{volume: files, path: /files}]\n    after: [db]"
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
    found = TestNode("travel", apps=tmp_path_factory.mktemp("catalog"))
    try:
        await found.start()
        assert found.apps is not None
        write_app(found.apps, "app", command=f"[sh, -c, '{WEB}']", health=f"{MOUNT}\n    {TCP}{DB}")
        health = f"mounts: [{{volume: channels, path: /channels}}]\n    {TCP}"
        write_app(found.apps, "channels", health=health, more=CHANNELS)
        await found.install("app")
        await found.install("channels")
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


async def until_up(node: TestNode) -> None:
    """Return once a copy runs and its operation says so."""
    async with asyncio.timeout(60):
        while True:
            (operation, *_) = await node.call("operation-list")
            assert operation["state"] == "running", (operation, node.log())
            if any("min" in step["detail"] for step in operation["steps"]):
                return
            await asyncio.sleep(0.05)


async def test_a_copy_comes_up_without_network_and_leaves_nothing(node: TestNode, snapshot: str) -> None:
    place = node.root / "apps/app/snapshots" / snapshot
    before, status = tree(place), await node.call("container-status", app="app")
    opened = await look(node, snapshot, minutes=1)
    await until_up(node)
    assert len(copies(node)) == 3
    for name in copies(node):
        pid = podman("inspect", "--format", "{{.State.Pid}}", name)
        devices = Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]
        assert [line.partition(":")[0].strip() for line in devices] == ["lo"], devices
    after = await node.call("container-status", app="app")
    assert [each["started_at"] for each in after["containers"]] == [each["started_at"] for each in status["containers"]]
    cancelled = await node.call("operation-cancel", id=opened["id"])
    assert (await node.ended(cancelled))["state"] == "cancelled"
    assert copies(node) == []
    assert not (node.root / "apps/app/trial").exists() and not list((node.runtime / "trials").iterdir())
    assert tree(place) == before, "the snapshot is as it was"


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
    async with asyncio.timeout(60):
        while (node.root / "apps/app/trial").exists():
            await asyncio.sleep(0.05)
    await node.until("app", "healthy")
