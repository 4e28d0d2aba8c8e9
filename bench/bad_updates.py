"""Fourteen kinds of bad update of apps with five kinds of data: the old version is back with its data, to the byte.

These are tests, which `bench/updates.py` runs and counts; `BENCH_SMOKE` tries a few of them.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from report import SMOKE, size

from support.checkout import TESTS
from support.data_apps import KINDS, Behaviour, write_data_app
from support.harness import TestNode, remove_leftovers
from support.signed_registry import signed_registry
from support.sudden_end import cut_power

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]

DISK = os.environ.get("ARCHIPELAGO_BTRFS_DISK", "")
SOAK = size(12, 1)
"""Seconds that a new version has to run: more than the ten after which one of them ends."""


@dataclass
class DyingNode(TestNode):
    """A node whose daemon may be killed before a step of an update."""

    dies_before: int = 0

    def command(self) -> list[str]:
        if not self.dies_before:
            return super().command()
        program = TESTS / "integration" / "dying_updater.py"
        return [sys.executable, str(program), str(self.dies_before)]


@dataclass
class Scene:
    """An app with data of a kind, at version 1."""

    node: DyingNode
    kind: str

    def offer(self, behaviour: Behaviour, version: str = "2.0", **other: str) -> None:
        """Offer a version in the catalog."""
        assert self.node.apps is not None
        write_data_app(self.node.apps, KINDS[self.kind], behaviour, version=version, **other)

    async def begin(self, behaviour: Behaviour, **other: str) -> dict[str, Any]:
        """Begin the update to a version."""
        self.offer(behaviour, **other)
        return dict(await self.node.call("container-update", app="app"))

    def witnessed(self) -> list[tuple[str, str]]:
        """Return what version 1 said of its data: `STOP` or `START`, and a hash."""
        log = self.node.root / "apps" / "app" / "logs" / "main.log"
        words = [line.split() for line in log.read_text(errors="replace").splitlines()]
        return [(each[-2], each[-1]) for each in words if len(each) > 1 and each[-2] in ("STOP", "START")]


async def works_badly(scene: Scene, behaviour: Behaviour, **other: str) -> dict[str, Any]:
    """Update to a version that misbehaves by itself."""
    return await scene.node.ended(await scene.begin(behaviour, **other))


async def with_a_killed_daemon(scene: Scene, step: int) -> dict[str, Any]:
    """Have the daemon killed before a step of an update that does not work, and start it again."""
    node = scene.node
    await node.stop()
    node.dies_before = step
    await node.start()
    await node.until("app", "healthy")
    operation = await scene.begin(Behaviour.MIGRATE_AND_CRASH)
    assert node.process is not None and await asyncio.to_thread(node.process.wait) == -signal.SIGKILL
    node.dies_before = 0
    await node.start()
    return await node.ended(await node.call("operation-get", id=operation["id"]))


async def until_the_new_one_runs(node: TestNode) -> None:
    """Return once the new version is healthy, as it is for some seconds."""
    while (await node.call("container-status", app="app"))["version"] != "2.0":
        await asyncio.sleep(0.05)
    await node.until("app", "healthy")


def kill_children(node: TestNode, *words: str) -> None:
    """kill -9 the children of the daemon whose command line has these words."""
    assert node.process is not None
    tasks = Path(f"/proc/{node.process.pid}/task").glob("*/children")
    for pid in {int(each) for path in tasks for each in path.read_text().split()}:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        if all(word in line for word in words):
            os.kill(pid, signal.SIGKILL)


async def without_podman(scene: Scene) -> dict[str, Any]:
    """Kill Podman while the new version shows that it does not work."""
    operation = await scene.begin(Behaviour.CRASH_LATE)
    await until_the_new_one_runs(scene.node)
    kill_children(scene.node, "system service")
    return await scene.node.ended(operation)


async def without_the_agent(scene: Scene) -> dict[str, Any]:
    """Kill what copies and renames the data while the new version shows that it does not work."""
    operation = await scene.begin(Behaviour.CRASH_LATE)
    await until_the_new_one_runs(scene.node)
    kill_children(scene.node, "unshare", "python")
    return await scene.node.ended(operation)


async def without_power(scene: Scene) -> dict[str, Any]:
    """Cut the power while the new version shows that it does not work."""
    operation = await scene.begin(Behaviour.CRASH_LATE)
    await until_the_new_one_runs(scene.node)
    cut_power(scene.node)
    await scene.node.start()
    return await scene.node.ended(await scene.node.call("operation-get", id=operation["id"]))


async def signed_by_somebody_else(scene: Scene, folder: Path) -> dict[str, Any]:
    """Update to an image with another publisher's signature."""
    with signed_registry(folder) as registry:
        reference = registry.publish("app")
        registry.sign(reference, "alice")
        assert scene.node.apps is not None
        (scene.node.apps / "app" / "cosign.pub").write_bytes((registry.folder / "bob.pub").read_bytes())
        return await works_badly(scene, Behaviour.WORK, image=f"image: {reference}\n    signed_by: cosign.pub")


Fault = Callable[[Scene, Path], Awaitable[dict[str, Any]]]
FAULTS: dict[str, Fault] = {
    "crashes at the start": lambda scene, _: works_badly(scene, Behaviour.CRASH),
    "migrates, then crashes": lambda scene, _: works_badly(scene, Behaviour.MIGRATE_AND_CRASH),
    "is killed in the middle of a migration": lambda scene, _: works_badly(scene, Behaviour.DIE_MIGRATING),
    "is healthy for ten seconds, then crashes": lambda scene, _: works_badly(scene, Behaviour.CRASH_LATE),
    "migrates and never answers": lambda scene, _: works_badly(scene, Behaviour.SILENT),
    "deletes all data": lambda scene, _: works_badly(scene, Behaviour.DELETE),
    "fills the disk": lambda scene, _: works_badly(scene, Behaviour.FILL),
    "has no such program": lambda scene, _: works_badly(scene, Behaviour.WORK, entrypoint="/usr/bin/absent"),
    "has another publisher's signature": signed_by_somebody_else,
    "crashes, and kill -9 of the daemon before the copy": lambda scene, _: with_a_killed_daemon(scene, 2),
    "crashes, and kill -9 of the daemon while it puts back": lambda scene, _: with_a_killed_daemon(scene, 6),
    "crashes, and kill -9 of Podman": lambda scene, _: without_podman(scene),
    "crashes, and kill -9 of the agent": lambda scene, _: without_the_agent(scene),
    "crashes, and a power cut": lambda scene, _: without_power(scene),
}
REFUSED = {"has another publisher's signature"}
"""Those before which nothing of the app changes."""
SOME = [("files", "is killed in the middle of a migration")]
CASES = SOME if SMOKE else [(kind, fault) for kind in KINDS for fault in FAULTS]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DyingNode]:
    """A node whose data is on Btrfs."""
    if not DISK:
        pytest.skip("there is no Btrfs here: 'make test' mounts it where the kernel has it")
    remove_leftovers()
    catalog = tmp_path_factory.mktemp("catalog")
    environment = {"PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:{TESTS}", "ARCHIPELAGO_SOAK": str(SOAK)}
    found = DyingNode("bad-updates", apps=catalog, disk=Path(DISK), environment=environment)
    try:
        await found.start()
        yield found
    finally:
        await found.destroy()


async def scene_of(node: DyingNode, kind: str) -> Scene:
    """Have the app with this kind of data, at version 1; the one that is there already, where it is of this kind."""
    scene = Scene(node, kind)
    installed = {each["app"] for each in await node.call("container-list")}
    mark = node.root / "kind"
    if "app" in installed and mark.exists() and mark.read_text() == kind:
        return scene
    if "app" in installed:
        await node.done(await node.call("container-remove", app="app", delete_data=True))
    scene.offer(Behaviour.WORK, "1.0")
    await node.install("app", downgrade=True)  # of a wallet, a copy is kept
    mark.write_text(kind)
    return scene


@pytest.mark.parametrize(("kind", "fault"), CASES)
async def test_a_bad_update_ends_on_the_old_version_with_the_same_data(
    node: DyingNode, kind: str, fault: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    scene = await scene_of(node, kind)
    key = await node.call("secret-show", app="app", name="key")
    await node.until("app", "healthy")
    before, started = scene.witnessed(), time.monotonic()
    ended = await FAULTS[fault](scene, tmp_path)
    assert ended["state"] == "failed", ended
    for snapshot in await node.call("snapshot-list", app="app"):
        if snapshot["kind"] == "rejected":  # after a full disk, apps wait for that
            await node.call("snapshot-delete", app="app", snapshot=snapshot["name"])
    status = await node.until("app", "healthy", "failed")
    record_property("seconds", time.monotonic() - started)
    assert status["health"]["state"] == "healthy" and status["version"] == "1.0", status
    assert await node.call("secret-show", app="app", name="key") == key
    seen = scene.witnessed()[len(before) :]
    if fault in REFUSED:
        assert seen == []
    else:
        assert "are back" in ended["error"]["message"], ended
        assert len(seen) >= 2 and seen[-2:] == [("STOP", seen[-1][1]), ("START", seen[-1][1])], seen


@pytest.mark.parametrize("kind", ["files"] if SMOKE else KINDS)
async def test_control_where_the_image_alone_goes_back_the_old_version_does_not_run(node: DyingNode, kind: str) -> None:
    scene = await scene_of(node, kind)
    (node.root / "kind").unlink()  # the next test has a new one
    ended = await works_badly(scene, Behaviour.MIGRATE_AND_CRASH, reversible="no")
    assert ended["state"] == "failed" and "are back" not in ended["error"]["message"]
    scene.offer(Behaviour.WORK, "2.0.1", reversible="no")
    assert (await node.ended(await node.call("container-update", app="app")))["state"] == "failed"
    assert "exit code 9" in (await node.call("container-status", app="app"))["health"]["failure"]["reason"]
