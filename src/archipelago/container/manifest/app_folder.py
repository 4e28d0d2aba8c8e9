"""Reads an app's folder so that nothing in it leads out of it: no link, no second name of a file, no device, no pipe.

Everything is opened from the folder's own descriptor, and nothing is opened that is not a file or directory by then.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

MAX_ENTRIES = 1_000
"""Files and directories that are looked at; an app has at most 200 files."""
MAX_DEPTH = 8
IGNORED = frozenset({".git", "__pycache__", ".DS_Store"})
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Misplaced(OSError):
    """What has no place in an app's folder; `expected` says what has."""

    def __init__(self, message: str, expected: str | None = None) -> None:
        super().__init__(message)
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, or whatever else is no directory."""

    path: str
    """Its path in the folder, with `/`."""
    status: os.stat_result


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[int]:
    """Open an app's folder, which must not be a link itself, and close it at the end. Raises OSError."""
    if folder.is_symlink():
        raise Misplaced("it is a link", "the folder itself")
    descriptor = os.open(folder, _DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def entries(folder: int) -> Iterator[Entry]:
    """Yield what is in an open folder and below it, in a stable order. Raises OSError where that is too much."""
    seen = 0

    def below(directory: int, prefix: str, depth: int) -> Iterator[Entry]:
        nonlocal seen
        with os.scandir(directory) as found:
            names = sorted(entry.name for entry in islice(found, MAX_ENTRIES + 1) if entry.name not in IGNORED)
        seen += len(names)
        if seen > MAX_ENTRIES:
            raise Misplaced("there are too many files and directories", f"at most {MAX_ENTRIES:,}")
        for name in names:
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            if not stat.S_ISDIR(status.st_mode):
                yield Entry(prefix + name, status)
                continue
            if depth >= MAX_DEPTH:
                raise Misplaced("the directories are nested too deeply", f"at most {MAX_DEPTH} levels")
            inner = os.open(name, _DIRECTORY, dir_fd=directory)
            try:
                yield from below(inner, f"{prefix}{name}/", depth + 1)
            finally:
                os.close(inner)

    return below(folder, "", 1)


def read(folder: int, path: str, limit: int) -> bytes:
    """Return at most `limit` bytes of a file of an open folder. Raises OSError where it is anything else."""
    *directories, name = PurePosixPath(path).parts
    with contextlib.ExitStack() as stack:
        here = folder
        for directory in directories:
            here = os.open(directory, _DIRECTORY, dir_fd=here)
            stack.callback(os.close, here)
        # Looked at first: to open a device may do something already.
        _require_file(os.stat(name, dir_fd=here, follow_symlinks=False))
        descriptor = os.open(name, _FILE, dir_fd=here)
        with os.fdopen(descriptor, "rb") as file:
            _require_file(os.fstat(file.fileno()))
            return file.read(limit)


def _require_file(status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise Misplaced("it is a link", "the file or directory itself")
    if not stat.S_ISREG(status.st_mode):
        raise Misplaced("it is not a regular file")
    if status.st_nlink != 1:
        raise Misplaced("it has another name elsewhere (a hard link)", "a copy")
