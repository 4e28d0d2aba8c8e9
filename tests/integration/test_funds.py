"""Money of a Lightning node: its proof is copied on each change, and its channels run in one place alone."""

import asyncio
import json
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.harness import LABEL, ROOT, RpcError, TestNode, podman, remove_all, remove_leftovers
from support.processor_time import require_soon
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400), pytest.mark.waits]

# Writes its static channel backup as LND does: to a file beside it, which then takes its place.
_PROVES = (
    "busybox mkdir -p /proof/data; [ -e /channels/channel.db ] || echo opened > /channels/channel.db; "
    "echo start >> /channels/channel.db; while :; do if [ -e /proof/next ]; then "
    "busybox cp /proof/next /proof/data/temp; busybox rm /proof/next; "
    "busybox mv /proof/data/temp /proof/data/channel.backup; fi; busybox sleep 0.05; done"
).replace("busybox", "/usr/bin/busybox")
_MOUNTS = "mounts: [{volume: proof, path: /proof}, {volume: channels, path: /channels}, {volume: keys, path: /keys}]"
_VOLUMES = """volumes:
  proof: {data: append-proof, funds: true, stream: "{{ options.folder }}/channel.backup"}
  channels: {data: never-restore, funds: true, exclusive: true}
  keys: {data: files, funds: true}
options: {folder: {type: choice, label: Folder, choices: [data], default: data}}
reversible: "no\""""
_SOON = 2.0
"""Seconds in which a change is copied."""


def inside(*words: str) -> str:
    """Run a command as root of the namespace, which reads what apps have."""
    return podman("unshare", *words)


def folder(node: TestNode) -> Path:
    return node.root / "apps/lightning"


async def until(holds: Callable[[Any], bool], node: TestNode, method: str, **params: Any) -> Any:
    """Ask until an answer is as it should be; nothing is sent when these change."""
    end = time.monotonic() + 150
    while not holds(found := await node.call(method, **params)):
        assert time.monotonic() < end, found
        await asyncio.sleep(0.1)
    return found


async def stream(node: TestNode, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    found: list[dict[str, Any]] = await until(lambda all_: bool(all_) and holds(all_[0]), node, "data-streams")
    return found[0]


def change(node: TestNode, content: str) -> None:
    """Have the app write another static channel backup."""
    path = folder(node) / "volumes/proof"
    script = f"printf %s '{content}' > {path}/new && mv {path}/new {path}/next"
    inside("sh", "-c", script)


def copies(place: Path) -> int:
    """Return how many copies of the proof are in a place."""
    return len(list(place.glob("0*"))) if place.is_dir() else 0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with an app that has channels, and a target on another disk."""
    remove_leftovers()
    disk = ROOT / "usb"
    shutil.rmtree(disk, ignore_errors=True)
    disk.mkdir(parents=True)
    found = TestNode("funds", apps=tmp_path_factory.mktemp("catalog"))
    try:
        await found.start()
        assert found.apps is not None
        write_app(found.apps, "lightning", command=f"[sh, -c, {json.dumps(_PROVES)}]", health=_MOUNTS, more=_VOLUMES)
        await found.call(
            "backup-target-add", target="usb", settings={"kind": "folder", "path": str(disk)}, scheduled=False
        )
        await found.install("lightning")
        yield found
    finally:
        found.kill()
        await found.destroy()
        shutil.rmtree(disk, ignore_errors=True)


async def test_each_change_of_a_proof_is_on_another_disk_within_two_seconds_and_read_back(node: TestNode) -> None:
    places = (folder(node) / "streams/proof", ROOT / "usb/proofs/lightning/proof")
    before, took = [copies(place) for place in places], []
    for number in range(1, 6):
        change(node, f"backup {number} " + "x" * 3000)
        ordered, counts = time.monotonic(), [count + number for count in before]
        while [copies(place) for place in places] != counts:
            assert time.monotonic() < ordered + 100
            await asyncio.sleep(0.01)  # when a file appears, nobody is notified here
        took.append(round(time.monotonic() - ordered, 2))
        await stream(node, lambda each, n=counts[0]: each["copies"] == n and each["targets"][0]["current"])  # type: ignore[misc]
    print("seconds until a copy is on both disks:", took)
    require_soon(took, _SOON)
    newest = sorted(places[0].iterdir())[before[0] :]
    assert [copy.read_text()[:8] for copy in newest] == [f"backup {number}" for number in range(1, 6)]
    assert not [each for each in await node.call("node-notices") if "stream" in each["id"]]
    sealed = sorted(places[1].iterdir())
    assert len(sealed) == before[1] + 5 and b"backup 5" not in sealed[-1].read_bytes()


async def test_a_file_that_is_empty_or_shorter_replaces_no_copy_and_a_target_that_is_gone_is_reported(
    node: TestNode,
) -> None:
    change(node, "a whole one")
    whole = len("a whole one")
    before = (await stream(node, lambda each: each["size"] == whole and each["targets"][0]["current"]))["copies"]
    change(node, "")
    found = await stream(node, lambda each: bool(each["problem"]))
    assert found["copies"] == before and found["problem"] == "the file is empty"
    assert "stream-copy" in str([each["id"] for each in await node.call("node-notices")])
    # What makes a folder a repository: restic, which may be at work, would make a folder again that is away.
    config = ROOT / "usb/config"
    away = config.rename(config.with_name("away"))
    try:
        change(node, "short")
        found = await stream(node, lambda each: each["copies"] == before + 1 and bool(each["targets"][0]["problem"]))
        assert not found["targets"][0]["current"] and found["problem"] == ""
        assert "stream-targets" in str([each["id"] for each in await node.call("node-notices")])
    finally:
        away.rename(config)
    await stream(node, lambda each: each["targets"][0]["current"])
    assert (folder(node) / "streams/proof").stat().st_mode & 0o77 == 0


async def test_channels_go_on_after_a_crash_and_a_copy_of_them_waits_for_its_owner(node: TestNode) -> None:
    epoch = _epoch(node)
    node.kill()
    podman("kill", "archipelago-lightning--main")
    await node.start()
    # A daemon that is quicker than conmon finds it running for a moment.
    await until(lambda _: _epoch(node) > epoch, node, "system-info")
    await node.until("lightning", "healthy")
    await node.done(await node.call("container-stop", app="lightning"))
    channels = folder(node) / "volumes/channels"
    inside("sh", "-c", f"cp -a {channels} {channels}.old && rm -rf {channels} && mv {channels}.old {channels}")
    starts = inside("cat", f"{channels}/channel.db")
    operation = await node.ended(await node.call("container-start", app="lightning"))
    assert operation["state"] == "failed" and "it may be a copy" in operation["error"]["message"], operation
    assert inside("cat", f"{channels}/channel.db") == starts, "nothing ran on it"
    (contested,) = await node.call("data-contested", app="lightning")
    with pytest.raises(RpcError, match="is not what was agreed to"):
        await node.call("data-claim", app="lightning", evidence=["0"])
    await node.call("data-claim", app="lightning", evidence=[contested["evidence"]])
    await node.until("lightning", "healthy")
    assert await node.call("data-contested", app="lightning") == []


async def test_of_two_nodes_with_the_same_words_one_asks_before_it_runs_the_app(
    node: TestNode, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await node.done(await node.call("backup-now", app="lightning", target="usb"))
    change(node, "the last one")
    await stream(node, lambda each: each["size"] == 12 and each["targets"][0]["current"])
    words = await node.call("key-phrase")
    node.kill()
    remove_all(LABEL)  # both have their containers in the same Podman here
    bare = TestNode("bare", apps=tmp_path_factory.mktemp("empty"))
    try:
        await bare.start()
        await bare.call("key-restore", words=words)
        settings = {"kind": "folder", "path": str(ROOT / "usb")}
        await bare.call("backup-target-add", target="usb", settings=settings, scheduled=False)
        await bare.done(await bare.call("backup-restore", app="lightning", target="usb"))
        operation = await bare.ended(await bare.call("container-start", app="lightning"))
        assert operation["state"] == "failed" and "another node has run this app" in operation["error"]["message"]
        notes = ROOT / "usb/snapshots"
        before = set(notes.iterdir())
        command = [sys.executable, "-m", "archipelago.cli", "data", "claim", "lightning", "--yes"]
        done = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, "ARCHIPELAGO_SOCKET": str(bare.socket)}
        )
        assert await done.wait() == 0
        await bare.until("lightning", "healthy")
        newest = sorted((folder(bare) / "streams/proof").iterdir())[-1]
        assert newest.read_text() == "the last one", "it is newer than the backup"
        change(bare, "after the restore")
        size = len("after the restore")
        await stream(bare, lambda each: each["size"] == size and each["targets"][0]["current"])
        await until(lambda _: bool(set(notes.iterdir()) - before), bare, "data-streams")  # its claim is there
    finally:
        bare.kill()
        remove_all(LABEL)
        await bare.destroy()
    await node.start()
    status = await until(lambda found: found["health"]["needs_owner"], node, "container-status", app="lightning")
    assert "another node has run this app since" in status["health"]["reason"]
    contested = await node.call("data-contested", app="lightning")
    await node.call("data-claim", app="lightning", evidence=[each["evidence"] for each in contested])
    await node.until("lightning", "healthy")


def _epoch(node: TestNode) -> int:
    lease = json.loads((folder(node) / "leases/channels.json").read_text())
    return int(lease["claim"].split(".")[1])
