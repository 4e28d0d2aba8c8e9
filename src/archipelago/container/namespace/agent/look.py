"""What is in the place of a volume."""

import contextlib
import os
import stat

from archipelago.container.namespace.agent.mounts import mounts_at
from archipelago.container.namespace.agent.refused import Refused, link_refusal
from archipelago.container.namespace.agent.volumes import LOST_FOUND, MARKS

_UNKNOWN = 65534
_ENTRIES = 1000
"""Entries of a directory that are looked at, to find out whose it is."""


def look_at(path: str, request: dict) -> dict:  # type: ignore[type-arg]
    """Say what is in the place of a volume, and change nothing."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return {"there": False}
    if stat.S_ISLNK(found.st_mode):
        raise link_refusal(path)
    if not stat.S_ISDIR(found.st_mode):
        raise Refused("it is no directory")
    own = _own_ids(request["uid"], request["ids"])
    owners_of_it = own | {0} if request.get("divided") else own
    entries, owners = _entries(path)
    system = os.statvfs(path)
    root = found.st_dev != os.lstat(os.path.dirname(path)).st_dev
    return {
        "there": True,
        "inode": found.st_ino,
        "filesystem": system.f_fsid if root else None,
        "mounted": root and path in mounts_at(path),  # a subvolume is a root as well
        "empty": entries == 0,
        # The directory alone may be root's, as that of a disk is after mkfs(8); or all that is in it, after a copy.
        "foreign": found.st_uid not in owners_of_it or (bool(owners) and own.isdisjoint(owners)),
        "owner": found.st_uid,
        "chown": f"{_outside('uid', request['uid'])}:{_outside('gid', request['gid'])}",
        "read_only": bool(system.f_flag & os.ST_RDONLY),
    }


def _own_ids(uid: int, ids: int) -> frozenset:  # type: ignore[type-arg]
    """Return the user ids of the app whose user `uid` is; 0 is the service user, and 1 the first of the first app."""
    begin = uid - (uid - 1) % ids
    # As this one the kernel shows all whom this namespace does not know.
    return frozenset(range(begin, begin + ids)) - ({_UNKNOWN} - {uid})


def _entries(path: str) -> tuple:  # type: ignore[type-arg]
    """Return how many entries a directory has besides `lost+found`, and the owners of the first of them.

    An empty mark of the node's is no entry; a stage that holds what was moved by a call that was killed is one.
    """
    count, owners = 0, set()
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name == LOST_FOUND:
                    continue
                if entry.name in MARKS and _is_empty_directory(entry.path):
                    continue
                count += 1
                if entry.name in MARKS:
                    continue  # the node's, with what an app had in it
                with contextlib.suppress(OSError):
                    owners.add(entry.stat(follow_symlinks=False).st_uid)
                if count >= _ENTRIES:
                    break
    except PermissionError:
        return 1, set()  # of users whom this namespace does not know
    return count, owners


def _is_empty_directory(path: str) -> bool:
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def _outside(kind: str, inside: int) -> int:
    """Return an id of this namespace as the host counts (user_namespaces(7))."""
    with open(f"/proc/self/{kind}_map", encoding="ascii") as lines:
        for line in lines:
            first, host, size = map(int, line.split())
            if first <= inside < first + size:
                return host + inside - first
    return inside
