"""Requests about a file in a volume that is copied each time it changes."""

import base64
import contextlib
import ctypes
import os
import select
import stat
import time

from archipelago.container.namespace.agent.refused import Refused
from archipelago.container.namespace.agent.volumes import walked

_CHANGES = 0x2 | 0x8 | 0x80 | 0x100 | 0x400
"""Flags of inotify(7): modified, closed after writing, moved here, created, the directory itself deleted."""
_LONGEST_WAIT = 0.5
"""Seconds until the file is looked at anyway: its directory may be new, or on a file system without inotify."""


def await_change(volume: str, request: dict) -> dict:  # type: ignore[type-arg]
    """Return the sign of a file once it differs from the `known` one, or after the `timeout`; None for no file."""
    deadline, names = time.monotonic() + request["timeout"], request["names"]
    with _notified(volume, names[:-1]) as wait:
        while True:
            sign = _sign_of(volume, names)
            left = deadline - time.monotonic()
            if sign != request["known"] or left <= 0:
                return {"sign": sign}
            wait(min(left, _LONGEST_WAIT))


def read_file(volume: str, request: dict) -> dict:  # type: ignore[type-arg]
    """Return the content of a file of at most `limit` bytes, and its sign, which was the same before and after."""
    names = request["names"]
    with walked(volume, names[:-1]) as directory:
        descriptor = os.open(names[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    with os.fdopen(descriptor, "rb") as file:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise Refused("it is no file")
        content = file.read(request["limit"] + 1)
        if len(content) > request["limit"]:
            raise Refused("it is too large")
        same = _sign(before) == _sign(os.fstat(descriptor)) and len(content) == before.st_size
    return {"content": base64.b64encode(content).decode(), "sign": _sign(before), "whole": same}


def _sign(found: os.stat_result) -> list:  # type: ignore[type-arg]
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _sign_of(volume: str, names: list) -> list | None:  # type: ignore[type-arg]
    try:
        with walked(volume, names[:-1]) as directory:
            return _sign(os.stat(names[-1], dir_fd=directory, follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return None


@contextlib.contextmanager
def _notified(volume: str, names: list):  # type: ignore[no-untyped-def, type-arg]
    """Yield what waits for a number of seconds, or until something in a directory of a volume changes."""
    libc = ctypes.CDLL(None, use_errno=True)
    events = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        # The directory itself, wherever a link leads that an app may put there.
        with contextlib.suppress(OSError), walked(volume, names) as directory:
            libc.inotify_add_watch(events, f"/proc/self/fd/{directory}".encode(), _CHANGES)

        def wait(seconds: float) -> None:
            if events < 0:
                time.sleep(seconds)
            elif select.select([events], [], [], seconds)[0]:
                with contextlib.suppress(BlockingIOError):
                    os.read(events, 65536)

        yield wait
    finally:
        if events >= 0:
            os.close(events)
