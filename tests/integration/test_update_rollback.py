"""Bad updates of an app with data, on Btrfs, XFS and the disk of this machine: the old version is back, to the byte."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.checkout import TESTS
from support.harness import ROOT, RpcError, TestNode, podman, remove_leftovers
from support.tiny_apps import TCP, write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900), pytest.mark.long, pytest.mark.waits]

DISKS = {
    "btrfs": os.environ.get("ARCHIPELAGO_BTRFS_DISK", ""),
    "xfs": os.environ.get("ARCHIPELAGO_XFS_DISK", ""),
    "here": str(ROOT),
}
METHODS = {"btrfs": {"subvolume"}, "xfs": {"clone"}, "here": {"copy", "clone"}}
SEED = (
    "[ -e /data/state ] || { echo 1.0 > /data/state; busybox mkdir -p /data/deep; busybox dd if=/dev/urandom "
    "of=/data/deep/blob bs=1k count=300; busybox ln /data/state /data/second; busybox ln -s /etc/passwd /data/link; "
    "busybox mkfifo /data/pipe; busybox chmod 2751 /data/deep; }; [ $(busybox cat /data/state) = 1.0 ] || exit 9; "
)
MIGRATE = "echo 2.0 > /data/state; busybox rm -rf /data/deep; busybox touch /data/new; "
WEB = "exec busybox httpd -f -p 8000 -h /data"
BAD = {
    "crashes at the start": "exit 3",
    "migrates the data, then crashes": MIGRATE + "exit 3",
    "crashes some seconds after it was healthy": MIGRATE + "busybox httpd -p 8000 -h /data; busybox sleep 3; exit 3",
    "never answers": MIGRATE + "exec busybox sleep 1000",
}
GOOD = MIGRATE + WEB
STEPS = {False: range(1, 8), True: range(1, 4)}
"""Of a bad update, and of a good one: before each of them the daemon is killed."""
SOME = {False: (6,), True: ()}
"""Those of every run of the tests; all of them: `make updates`."""
ALL_STEPS = "ARCHIPELAGO_ALL_STEPS" in os.environ
ENVIRONMENT = {"PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:{TESTS}", "ARCHIPELAGO_SOAK": "5"}
VOLUME = "volumes: {data: {data: files}}\nsecrets: {key: {}}"


@dataclass
class DyingNode(TestNode):
    """A node whose daemon may be killed before a step of an update."""

    dies_before: int = 0

    def command(self) -> list[str]:
        if not self.dies_before:
            return super().command()
        return [sys.executable, str(Path(__file__).with_name("dying_updater.py")), str(self.dies_before)]


def offer(node: TestNode, script: str, version: str, more: str = VOLUME) -> None:
    """Offer a version of the app in the catalog."""
    assert node.apps is not None
    health = f"mounts: [{{volume: data, path: /data}}]\n    {TCP}"
    write_app(node.apps, "app", command=f"[sh, -c, '{script}']", health=health, more=more, version=version, grace="1s")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=list(DISKS))
async def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DyingNode]:
    """A node whose data is on one of the disks, with the app at its version 1.0."""
    kind = request.param
    if not DISKS[kind]:
        pytest.skip(f"there is no {kind} here: 'make test' mounts it where the kernel has it")
    remove_leftovers()
    catalog = tmp_path_factory.mktemp("catalog")
    found = DyingNode(f"rollback-{kind}", apps=catalog, disk=Path(DISKS[kind]), environment=ENVIRONMENT)
    try:
        await found.start()
        offer(found, SEED + WEB, "1.0")
        await found.install("app")
        yield found
    finally:
        await found.destroy()


def kind_of(node: TestNode) -> str:
    return node.name.partition("-")[2]


def tree(node: TestNode, *parts: str) -> str:
    """Return the hash of all that is in a folder of the app."""
    path = node.root.joinpath("apps", "app", *parts)
    return podman("unshare", "env", f"PYTHONPATH={TESTS}", sys.executable, "-m", "support.trees", str(path))


async def update(node: TestNode) -> dict[str, Any]:
    """Update the app, and return the operation, ended."""
    return await node.ended(await node.call("container-update", app="app"))


def snapshots(node: TestNode) -> dict[str, dict[str, Any]]:
    """Return what each snapshot says of itself."""
    folder = node.root / "apps" / "app" / "snapshots"
    return {path.name: json.loads((path / "about.json").read_text()) for path in sorted(folder.glob("2*"))}


@contextlib.contextmanager
def mounted_at(directory: Path) -> Iterator[None]:
    """Have another disk mounted at a directory, for everybody in Podman's namespace."""
    script = 'mount -t tmpfs none "$1" && echo mounted && cat; umount -l "$1"'
    command = ["podman", "unshare", "sh", "-c", script, "sh", str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        assert holder.stdout.readline() == "mounted\n"
        try:
            yield
        finally:
            holder.stdin.close()
            holder.wait()


async def require_old(node: TestNode, before: str) -> None:
    """Require that the old version runs on its data, to the byte."""
    status = await node.until("app", "healthy")
    assert status["version"] == "1.0"
    assert tree(node, "volumes", "data") == before


@pytest.mark.parametrize("how", BAD)
async def test_a_bad_update_ends_on_the_old_version_with_its_data(node: TestNode, how: str) -> None:
    if not ALL_STEPS and how not in (list(BAD)[1:] if kind_of(node) == "btrfs" else list(BAD)[1:2]):
        pytest.skip("'make updates' tries every one on every disk")
    before, key = tree(node, "volumes", "data"), await node.call("secret-show", app="app", name="key")
    offer(node, BAD[how], "2.0")
    ended = await update(node)
    assert ended["state"] == "failed" and "are back" in ended["error"]["message"], ended
    await require_old(node, before)
    assert await node.call("secret-show", app="app", name="key") == key
    rejected = ended["error"]["data"]["rejected"]
    assert rejected in snapshots(node), "beside those of earlier updates, which stay until their owner deletes them"
    assert {each["kind"] for each in snapshots(node).values()} == {"rejected"}
    if MIGRATE in BAD[how]:
        state = node.root / "apps" / "app" / "snapshots" / rejected / "volumes" / "data" / "state"
        assert podman("unshare", "cat", str(state)) == "2.0"
    node.kill()  # what was put back is not taken for a lost or a moved volume
    await node.start()
    await require_old(node, before)


async def test_a_good_update_keeps_a_snapshot_made_by_the_best_way_of_the_disk(node: DyingNode) -> None:
    before = tree(node, "volumes", "data")
    offer(node, GOOD, "2.0")
    assert (await update(node))["state"] == "done"
    assert (await node.until("app", "healthy"))["version"] == "2.0"
    (taken,) = (name for name, each in snapshots(node).items() if each["kind"] == "before-update")
    assert set(snapshots(node)[taken]["volumes"].values()) <= METHODS[kind_of(node)]
    assert tree(node, "snapshots", taken, "volumes", "data") == before
    await node.done(await node.call("container-update-undo", app="app"))
    await require_old(node, before)


async def test_a_directory_of_btrfs_that_is_no_subvolume_shares_its_blocks(node: DyingNode) -> None:
    if kind_of(node) != "btrfs":
        pytest.skip("others have no subvolumes")
    volume = str(node.root / "apps" / "app" / "volumes" / "data")
    await node.done(await node.call("container-stop", app="app"))
    podman("unshare", "sh", "-euc", f"cp -a {volume} {volume}.new; rm -rf {volume}; mv {volume}.new {volume}")
    await node.done(await node.call("container-start", app="app"))
    await node.done(await node.call("snapshot-take", app="app"))
    assert list(snapshots(node).values())[-1]["volumes"] == {"data": "clone"}


async def test_a_snapshot_on_demand_goes_back_and_stays(node: DyingNode) -> None:
    before = tree(node, "volumes", "data")
    await node.done(await node.call("snapshot-take", app="app"))
    listed = await node.call("snapshot-list", app="app")
    taken = listed[0]
    assert taken["kind"] == "manual" and taken["size"] > 300_000
    with mounted_at(node.root / "apps" / "app" / "volumes" / "data" / "deep"):
        with pytest.raises(RpcError, match="a disk is mounted at"):
            await node.call("snapshot-restore", app="app", snapshot=taken["name"])
        assert (await node.call("container-status", app="app"))["health"]["state"] == "healthy", "it was not stopped"
    assert tree(node, "volumes", "data") == before and await node.call("snapshot-list", app="app") == listed
    await node.execute("app", "busybox", "rm", "-rf", "/data/deep")
    await node.done(await node.call("snapshot-restore", app="app", snapshot=taken["name"]))
    await require_old(node, before)
    assert tree(node, "snapshots", taken["name"], "volumes", "data") == before


async def test_a_subvolume_that_an_app_made_read_only_goes_as_well(node: DyingNode) -> None:
    if kind_of(node) != "btrfs":
        pytest.skip("others have no subvolumes")
    assert node.apps is not None
    # An app of its own: the volume of the other one may be a copy by now, which is no subvolume.
    write_app(node.apps, "fresh", health=f"mounts: [{{volume: data, path: /data}}]\n    {TCP}", more=VOLUME)
    await node.install("fresh")
    await node.done(await node.call("snapshot-take", app="fresh"))
    [taken] = [each["name"] for each in await node.call("snapshot-list", app="fresh")]
    volume = str(node.root / "apps" / "fresh" / "snapshots" / taken / "volumes" / "data")
    set_read_only = "import fcntl, os, sys; fcntl.ioctl(os.open(sys.argv[1], 0), 0x4008941A, (2).to_bytes(8, 'little'))"
    podman("unshare", sys.executable, "-c", set_read_only, volume)
    with pytest.raises(Exception, match="Read-only"):
        podman("unshare", "touch", f"{volume}/new")
    await node.call("snapshot-delete", app="fresh", snapshot=taken)
    assert not Path(volume).parent.parent.exists()
    await node.done(await node.call("container-remove", app="fresh", delete_data=True))


async def test_an_update_restarts_nobody_who_needs_the_app(node: DyingNode) -> None:
    if kind_of(node) != "here":
        pytest.skip("the disk makes no difference")
    provides = "provides: {web: {container: main, port: 8000}}\n"
    offer(node, SEED + WEB, "1.1", provides + VOLUME)
    assert (await update(node))["state"] == "done"
    assert node.apps is not None
    write_app(node.apps, "user", more="requires: {web: {}}")
    await node.install("user")
    pid = podman("inspect", "--format", "{{.State.Pid}}", "archipelago-user--main")
    before = tree(node, "volumes", "data")
    offer(node, BAD["migrates the data, then crashes"], "2.0", provides + VOLUME)
    assert "are back" in (await update(node))["error"]["message"]
    assert (await node.until("app", "healthy"))["version"] == "1.1" and tree(node, "volumes", "data") == before
    await node.until("user", "healthy")
    assert podman("inspect", "--format", "{{.State.Pid}}", "archipelago-user--main") == pid
    await node.done(await node.call("container-remove", app="user"))


async def test_control_an_image_alone_does_not_go_back(node: DyingNode) -> None:
    """What others do: the image of before on the data of now. It is the same app, and it does not run any more."""
    if kind_of(node) != "here":
        pytest.skip("the disk makes no difference")
    offer(node, BAD["migrates the data, then crashes"], "3.0", f"reversible: no\n{VOLUME}")
    ended = await update(node)
    assert ended["state"] == "failed" and "are back" not in ended["error"]["message"]
    offer(node, SEED + WEB, "3.0.1", f"reversible: no\n{VOLUME}")
    assert (await update(node))["state"] == "failed"
    assert "exit code 9" in (await node.call("container-status", app="app"))["health"]["failure"]["reason"]


@pytest.mark.parametrize(("works", "step"), [(works, step) for works in STEPS for step in STEPS[works]])
async def test_a_kill_of_the_daemon_before_any_step_is_gone_on_from(node: DyingNode, works: bool, step: int) -> None:
    if not ALL_STEPS and (kind_of(node) != "btrfs" or step not in SOME[works]):
        pytest.skip("'make updates' kills it at every step")
    await fresh(node)
    before = tree(node, "volumes", "data")
    node.kill()
    node.dies_before = step
    await node.start()
    offer(node, GOOD if works else BAD["migrates the data, then crashes"], "2.0")
    operation = await node.call("container-update", app="app")
    assert node.process is not None and await asyncio.to_thread(node.process.wait) == -9
    node.dies_before = 0
    await node.start()
    ended = await node.ended(await node.call("operation-get", id=operation["id"]))
    if works:
        assert ended["state"] == "done" and (await node.until("app", "healthy"))["version"] == "2.0"
        (taken,) = (name for name, each in snapshots(node).items() if each["kind"] == "before-update")
        assert tree(node, "snapshots", taken, "volumes", "data") == before
    else:
        assert ended["state"] == "failed" and "are back" in ended["error"]["message"], ended
        await require_old(node, before)


async def fresh(node: DyingNode) -> None:
    """Have the app new, at version 1.0."""
    await node.done(await node.call("container-remove", app="app", delete_data=True))
    offer(node, SEED + WEB, "1.0")
    await node.install("app")
