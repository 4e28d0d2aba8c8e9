"""What is a mount, and what is a subvolume of Btrfs: both are file systems of their own to stat(2)."""

import array
import contextlib
import fcntl
import os
import re
import stat
import struct

from archipelago.container.namespace.agent.walk import walk_tree

_SNAP_CREATE, _SUBVOL_CREATE, _SNAP_DESTROY = 0x50009401, 0x5000940E, 0x5000940F
_FLAGS, _SET_FLAGS = 0x80089419, 0x4008941A
"""Requests of ioctl_btrfs(2)."""
_NAME = 4088
_ROOT_INODE = 256
"""Of each subvolume."""
_OCTAL = re.compile(r"\\([0-7]{3})")


def mounts_at(path: str) -> list:  # type: ignore[type-arg]
    """Return where file systems are mounted at a directory or below it (proc_pid_mountinfo(5))."""
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            where = _OCTAL.sub(lambda code: chr(int(code[1], 8)), line.split(" ")[4])
            if where == path or where.startswith(path + "/"):
                found.append(where)
    return found


def is_subvolume(path: str) -> bool:
    """Return whether a directory is a subvolume that can have snapshots."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.ioctl(directory, _FLAGS, array.array("Q", [0]))
    except OSError:
        return False
    finally:
        os.close(directory)
    return True


def make_subvolume(path: str) -> bool:
    """Make a subvolume of mode 0700 where that is possible, and return whether it was; what is there stays."""
    if os.path.lexists(path):
        return False
    try:
        _on_parent(path, _SUBVOL_CREATE)
    except FileNotFoundError:
        raise
    except OSError:
        return False  # another file system, or one that does not let us
    os.chmod(path, 0o700)
    return True


def snapshot_subvolume(path: str, to: str) -> None:
    """Make a writable snapshot of a subvolume; it is on the disk when this returns."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _on_parent(to, _SNAP_CREATE, directory)
    finally:
        os.close(directory)


def destroy_subvolume(path: str) -> None:
    """Remove a subvolume at once where the file system lets us (`user_subvol_rm_allowed`)."""
    with contextlib.suppress(OSError):
        _on_parent(path, _SNAP_DESTROY)


def subvolumes_in(path: str) -> list:  # type: ignore[type-arg]
    """Return what may be a subvolume at a directory or below it, the outer before the inner."""
    below = [each for each, found in walk_tree(path) if found is not None and _may_be_subvolume(found)]
    return [path, *below] if _may_be_subvolume(os.lstat(path)) else below


def _may_be_subvolume(found: os.stat_result) -> bool:
    return stat.S_ISDIR(found.st_mode) and found.st_ino == _ROOT_INODE


def make_writable(subvolumes: list) -> None:  # type: ignore[type-arg]
    """Have subvolumes writable, which an app can forbid for those that it owns."""
    for path in subvolumes:
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.ioctl(descriptor, _SET_FLAGS, array.array("Q", [0]))
            finally:
                os.close(descriptor)


def _on_parent(path: str, request: int, descriptor: int = 0) -> None:
    parent, name = os.path.split(path)
    directory = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.ioctl(directory, request, bytearray(struct.pack(f"q{_NAME}s", descriptor, os.fsencode(name))))
    finally:
        os.close(directory)
