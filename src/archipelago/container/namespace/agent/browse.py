"""Requests that look into a volume of a snapshot. An app has written it: no link is followed, only files are opened."""

import base64
import heapq
import json
import os
import stat
import time

from archipelago.container.namespace.agent.refused import Refused
from archipelago.container.namespace.agent.volumes import walked

_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
_LONGEST_ANSWER = 1 << 20
"""Bytes of entries; a line above the daemon's limit (4 MiB) would end the agent, for all apps."""
_LONGEST_TARGET = 400
"""Characters of where a link leads."""


def list_folder(volume: str, request: dict) -> dict:  # type: ignore[type-arg]
    """Return the first `limit` entries of a folder by name, of those `after` one; `complete` is false out of time.

    The folder may have millions of entries: as many as are returned are remembered. There are fewer than `limit`, and
    `more`, where the answer would become too long.
    """
    after, deadline, out_of_time = request["after"], time.monotonic() + request["timeout"], False

    def names(directory: int):  # type: ignore[no-untyped-def]
        nonlocal out_of_time
        with os.scandir(directory) as entries:
            for number, entry in enumerate(entries):
                if number % 1024 == 0 and time.monotonic() > deadline:
                    out_of_time = True
                    return
                if entry.name > after:
                    yield entry.name

    try:
        with walked(volume, request["names"]) as directory:
            found = heapq.nsmallest(request["limit"] + 1, names(directory))
            entries = _first_entries(directory, found[: request["limit"]])
    except (FileNotFoundError, NotADirectoryError):
        return {"there": False}
    return {"there": True, "entries": entries, "more": len(found) > len(entries), "complete": not out_of_time}


def read_piece(volume: str, request: dict) -> dict:  # type: ignore[type-arg]
    """Return `length` bytes of a file from an `offset` on; what is no file is not opened."""
    names = request["names"]
    try:
        with walked(volume, names[:-1]) as directory:
            place = os.open(names[-1], os.O_PATH | os.O_NOFOLLOW, dir_fd=directory)
    except (FileNotFoundError, NotADirectoryError):
        return {"there": False}
    try:
        found = os.fstat(place)
        if not stat.S_ISREG(found.st_mode):
            raise Refused(f"it is no file but a {_kind(found.st_mode)}")
        # By what was looked at: to open a device or a FIFO would do something.
        file = os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_NOCTTY)
        try:
            content = os.pread(file, request["length"], request["offset"])
        finally:
            os.close(file)
    finally:
        os.close(place)
    return {"there": True, "size": found.st_size, "content": base64.b64encode(content).decode()}


def _first_entries(directory: int, names: list) -> list:  # type: ignore[type-arg]
    entries, room = [], _LONGEST_ANSWER
    for name in names:
        entry = _entry(directory, name)
        room -= len(json.dumps(entry))
        if room < 0:
            break
        entries.append(entry)
    return entries


def _entry(directory: int, name: str) -> dict:  # type: ignore[type-arg]
    found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    kind = _kind(found.st_mode)
    return {
        "name": name,
        "kind": kind,
        "size": found.st_size if kind == "file" else 0,
        "modified": found.st_mtime,
        "target": _target(directory, name) if kind == "link" else "",
    }


def _target(directory: int, name: str) -> str:
    target = os.readlink(name, dir_fd=directory)
    return target if len(target) <= _LONGEST_TARGET else f"{target[:_LONGEST_TARGET]}…"


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "device or pipe")
