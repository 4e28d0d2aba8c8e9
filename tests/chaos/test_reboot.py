"""A power cut, or everything killed without one: all that was running comes back in order."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from support.harness import TestNode, podman, remove_leftovers, running_node
from support.tiny_apps import write_app

RUNTIME = Path(os.environ.get("ARCHIPELAGO_RUNTIME", "/run/archipelago-test"))

pytestmark = pytest.mark.timeout(300)

EMPTY_RUNTIME = ("find", str(RUNTIME), "-xdev", "-mindepth", "1", "-type", "f", "-delete")


def kill_processes(*names: str) -> None:
    """kill -9 all processes of the instance but the tests themselves, or those that are called so."""
    mine = {os.getpid(), os.getppid()}
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment = (path / "environ").read_bytes().split(b"\0")
            called = not names or (path / "comm").read_text().strip() in names
            if called and int(path.name) not in mine and f"XDG_RUNTIME_DIR={RUNTIME}".encode() in environment:
                os.kill(int(path.name), signal.SIGKILL)


def kill_everything(node: TestNode, *, before_the_last: Sequence[str] = ("true",)) -> None:
    """kill -9 everything but the tests themselves; a command is run when the containers are gone, and Podman is not."""
    node.kill()
    pids = podman("ps", "--format", "{{.Pid}}").split()
    subprocess.run(["podman", "unshare", "kill", "-9", *pids], check=True, timeout=60)
    subprocess.run(["podman", "unshare", *before_the_last], capture_output=True, timeout=60)
    kill_processes()


def kill_at_once(node: TestNode) -> None:
    """kill -9 everything, those first who would write down that a container has ended: Podman takes all for running."""
    node.kill()
    pids = podman("ps", "--format", "{{.Pid}}").split()
    kill_processes("conmon")
    subprocess.run(["podman", "unshare", "kill", "-9", *pids], check=True, timeout=60)
    kill_processes()


def cut_power(node: TestNode) -> None:
    """kill -9 everything, and empty what a reboot empties: the run-time directory."""
    kill_everything(node, before_the_last=EMPTY_RUNTIME)
    subprocess.run(EMPTY_RUNTIME, capture_output=True, timeout=60)


def started_at(app: str) -> datetime:
    """Return when an app's container was started."""
    return datetime.fromisoformat(podman("inspect", "--format", "{{json .State.StartedAt}}", name(app)).strip('"'))


def name(app: str) -> str:
    """Return the name of an app's container."""
    return f"archipelago-{app}--main"


@pytest.mark.parametrize("end", [cut_power, kill_everything, kill_at_once])
async def test_after_a_sudden_end_everything_that_is_wanted_comes_back_in_order(
    tmp_path: Path, end: Callable[[TestNode], None]
) -> None:
    remove_leftovers()
    more = "provides: {ear: {container: main, port: 8000}}\nvolumes: {data: {data: files}}"
    write_app(tmp_path, "provider", more=more)
    manifest = tmp_path / "provider" / "manifest.yml"
    mount = "    mounts: [{volume: data, path: /data}]\n    init: true"
    manifest.write_text(manifest.read_text().replace("    init: true", mount))
    write_app(tmp_path, "consumer", more="requires: {ear: {}}")
    write_app(tmp_path, "unwanted")
    async with running_node("reboot", apps=tmp_path) as node:
        await node.install("consumer")
        await node.install("unwanted")
        await node.done(await node.call("container-stop", app="unwanted"))
        await node.execute("provider", "busybox", "sh", "-c", "echo kept > /data/file; sync")
        before = {app: started_at(app) for app in ("provider", "consumer")}
        end(node)
        await node.start()
        await node.until("consumer", "healthy")
        await node.until("unwanted", "stopped")
        assert await node.execute("provider", "busybox", "cat", "/data/file") == "kept\n"
        assert before["provider"] < started_at("provider") < started_at("consumer")
        answer = await node.execute("consumer", "busybox", "wget", "-q", "-O", "-", "http://ear:8000/etc/hostname")
        assert answer.strip() == "provider--main"
