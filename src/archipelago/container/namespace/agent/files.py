"""Requests about files and directories that belong to the users of containers."""

import base64
import contextlib
import os
import stat
import time

from archipelago.container.namespace.agent.mounts import make_subvolume
from archipelago.container.namespace.agent.refused import Refused, link_refusal
from archipelago.container.namespace.agent.walk import walk_tree

_BETWEEN_PAUSES = 256
"""Entries of directories that are counted in one go."""


def inside(path: str, roots: tuple) -> str:  # type: ignore[type-arg]
    """Return `path` if its parent truly is below one of the roots (links followed), else refuse."""
    parent, name = os.path.split(os.path.abspath(path))
    real = os.path.realpath(parent)
    if not name or not any(real == root or real.startswith(root + os.sep) for root in roots):
        raise Refused(f"{path} is outside the directories of this node")
    return os.path.join(real, name)


def make_passage(path: str, gid: int) -> dict:  # type: ignore[type-arg]
    """Have a directory that is root's, and that the group `gid` alone may pass through."""
    with made(path) as (directory, created):
        found = os.fstat(directory)
        if (found.st_uid, found.st_gid) != (0, gid):
            os.fchown(directory, 0, gid)
        if stat.S_IMODE(found.st_mode) != 0o710:
            os.fchmod(directory, 0o710)
    return {"created": created}


def make_directory(path: str, uid: int, gid: int) -> dict:  # type: ignore[type-arg]
    """Have a directory that belongs to a user; what is in it stays as it is."""
    # Only the directory itself: its contents belong to the app, whose ids stay the same for ever.
    with made(path) as (directory, created):
        found = os.fstat(directory)
        if (found.st_uid, found.st_gid) != (uid, gid):
            os.fchown(directory, uid, gid)
    return {"created": created}


def make_volume(path: str, uid: int, gid: int) -> dict:  # type: ignore[type-arg]
    """Have a directory that belongs to a user: a subvolume where it is new and the file system has any."""
    created = make_subvolume(path)
    return {"created": make_directory(path, uid, gid)["created"] or created}


@contextlib.contextmanager
def made(path: str):  # type: ignore[no-untyped-def]
    """Yield a descriptor of a directory, and whether it is new; a link in its place is an error."""
    created = False
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
        created = True
    if os.path.islink(path):
        raise link_refusal(path)
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield directory, created
    finally:
        os.close(directory)


def rename_directory(path: str, to: str) -> dict:  # type: ignore[type-arg]
    """Move a directory within its file system, on the disk when this returns; nothing of value is overwritten."""
    os.rename(path, to)  # in the place of an empty directory at most (rename(2))
    for parent in {os.path.dirname(path), os.path.dirname(to)}:
        directory = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    return {}


def write_file(path: str, request: dict) -> dict:  # type: ignore[type-arg]
    """Write a file of some owner and mode at once, unless it is there already."""
    content = base64.b64decode(request["content"])
    if os.path.isfile(path) and not os.path.islink(path):
        with open(path, "rb") as current:
            found = os.fstat(current.fileno())
            same = current.read(len(content) + 1) == content
        wanted = (request["uid"], request["gid"], request["mode"])
        if same and (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == wanted:
            return {"changed": False}
    temporary = f"{path}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fchown(file.fileno(), request["uid"], request["gid"])
        os.fchmod(file.fileno(), request["mode"])
    os.replace(temporary, path)
    return {"changed": True}


def measure(path: str, deadline: float, *, gentle: bool = False) -> dict:  # type: ignore[type-arg]
    """Return the bytes that a directory takes on the disk, links not followed; `complete` is false if some is missing.

    A gentle count pauses three times as long as it works. It has no lower priority (nice(2)) instead: a thread that
    the kernel does not run would keep Python's lock from the probes of apps.
    """
    total, reached = 0, True
    seen = set()
    began = time.monotonic()
    for number, (_, found) in enumerate(walk_tree(path), 1):
        if number % _BETWEEN_PAUSES == 0:
            left = deadline - time.monotonic()
            if left <= 0:
                return {"bytes": total, "complete": False}
            if gentle:
                time.sleep(min(3 * (time.monotonic() - began), left))
                began = time.monotonic()
        if found is None:
            reached = False
            continue
        if found.st_nlink == 1 or (found.st_dev, found.st_ino) not in seen:
            total += found.st_blocks * 512
        if found.st_nlink > 1:
            seen.add((found.st_dev, found.st_ino))
    return {"bytes": total, "complete": reached and time.monotonic() <= deadline}
