"""Sudden ends of a node: a power cut, or everything killed without one."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from support.harness import TestNode, podman

_RUNTIME = Path(os.environ.get("ARCHIPELAGO_RUNTIME", "/run/archipelago-test"))
_EMPTY_RUNTIME = ("find", str(_RUNTIME), "-xdev", "-mindepth", "1", "-type", "f", "-delete")


def kill_processes(*names: str) -> None:
    """kill -9 all processes of the instance but the tests themselves, or those that are called so.

    Once this returns none is left: one that was found may have started another, as conmon does at a container's end.
    """
    quiet = 0
    while quiet < 2:  # a process that is about to become another program has no environment for a moment
        quiet = 0 if sum(_kill(pid) for pid in _processes(*names)) else quiet + 1


def _kill(pid: int) -> bool:
    """kill -9 a process; return whether that could be done."""
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return False
    return True


def _processes(*names: str) -> list[int]:
    mine, found = {os.getpid(), os.getppid()}, []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment = (path / "environ").read_bytes().split(b"\0")
            called = not names or (path / "comm").read_text().strip() in names
            if called and int(path.name) not in mine and f"XDG_RUNTIME_DIR={_RUNTIME}".encode() in environment:
                found.append(int(path.name))
    return found


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
    kill_everything(node, before_the_last=_EMPTY_RUNTIME)
    subprocess.run(_EMPTY_RUNTIME, capture_output=True, timeout=60)
