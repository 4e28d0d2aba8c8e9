"""Requests that copy volumes for snapshots, by the best way that the file system has."""

import contextlib
import ctypes
import os
import stat
import subprocess
import threading
import time

from archipelago.container.namespace.agent.files import measure
from archipelago.container.namespace.agent.mounts import is_subvolume, mounts_at, snapshot_subvolume
from archipelago.container.namespace.agent.refused import Refused, link_refusal
from archipelago.container.namespace.agent.removal import ENDS_WITH_THIS_THREAD
from archipelago.container.namespace.agent.walk import walk_tree

_COPIES: dict = {}  # type: ignore[type-arg]
"""Number that the daemon gave -> the running cp(1), None once it was asked to stop."""
_COPIES_LOCK = threading.Lock()
_CLONE_TRIAL, _CLONE_TRIAL_LOCK = ".clone-trial", threading.Lock()


def survey(path: str, deadline: float) -> dict:  # type: ignore[type-arg]
    """Say what a copy of a volume would take, and what keeps it from being one."""
    if os.path.islink(path):
        raise link_refusal(path)
    mounts = mounts_at(path)
    other = next(_other_file_systems(path, deadline), "") if not mounts else ""
    return {
        "mounts": mounts,
        "other": other,
        **measure(path, deadline),
        "subvolume": not mounts and not other and is_subvolume(path),
    }


def _other_file_systems(path: str, deadline: float):  # type: ignore[no-untyped-def]
    """Yield directories in a volume that are file systems of their own, such as subvolumes that an app has made."""
    device = os.lstat(path).st_dev
    for entry, found in walk_tree(path):
        if time.monotonic() > deadline:
            return  # the count that comes after it says that it is not complete
        if found is not None and stat.S_ISDIR(found.st_mode) and found.st_dev != device:
            yield entry


def can_clone(path: str) -> dict:  # type: ignore[type-arg]
    """Say whether files in a directory can share their blocks: by trying."""
    trial = os.path.join(path, _CLONE_TRIAL)
    with _CLONE_TRIAL_LOCK:  # who asks at the same time would remove the other's files
        try:
            with open(trial, "wb") as file:
                file.write(bytes(65536))
            done = subprocess.run(
                ["cp", "--reflink=always", "--", trial, f"{trial}.copy"], stdin=subprocess.DEVNULL, capture_output=True
            )
        finally:
            for name in (trial, f"{trial}.copy"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name)
    return {"clones": done.returncode == 0}


def copy_volume(path: str, request: dict) -> dict:  # type: ignore[type-arg]
    """Copy a volume to a place where nothing is, all on the disk when this returns.

    `method` is `subvolume`, `clone` (every file shares its blocks, or it fails) or `copy`.
    """
    to = request["to"]
    if os.path.islink(path):
        raise link_refusal(path)
    if os.path.lexists(to):
        raise Refused(f"{to} is there already")
    if request["method"] == "subvolume":
        snapshot_subvolume(path, to)
        return {}
    reflink = "always" if request["method"] == "clone" else "auto"
    _run_copy(
        request["number"], ["-a", f"--reflink={reflink}", "--sparse=auto", "--one-file-system", "-T", "--", path, to]
    )
    return flush(to)


def flush(path: str) -> dict:  # type: ignore[type-arg]
    """Have the file system of a directory written to the disk, and the directory's own name."""
    for place, sync in ((path, _sync_file_system), (os.path.dirname(path), os.fsync)):
        descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            sync(descriptor)
        finally:
            os.close(descriptor)
    return {}


def _sync_file_system(descriptor: int) -> None:
    # Not by a program: an app waits for this, and on a busy machine a process takes long to start.
    if ctypes.CDLL(None, use_errno=True).syncfs(descriptor):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _run_copy(number: int, arguments: list) -> None:  # type: ignore[type-arg]
    environment = {**os.environ, "LC_ALL": "C"}
    with _COPIES_LOCK:
        if number in _COPIES:
            raise Refused("the copy was stopped")
        process = _COPIES[number] = subprocess.Popen(
            [*ENDS_WITH_THIS_THREAD, "cp", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
        )
    try:
        said = process.communicate()[1]
    finally:
        with _COPIES_LOCK:
            _COPIES.pop(number, None)
    if process.returncode != 0:
        raise Refused(_last_line(said) or f"cp ended with {process.returncode}")


def stop_copy(number: int) -> dict:  # type: ignore[type-arg]
    """Stop a copy; what it has made stays."""
    with _COPIES_LOCK:
        process = _COPIES.setdefault(number, None)
        if process is not None:
            process.kill()
    return {}


def stop_all_copies() -> None:
    """Stop every copy, since the daemon is gone."""
    with _COPIES_LOCK:
        for process in _COPIES.values():
            if process is not None:
                process.kill()


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
