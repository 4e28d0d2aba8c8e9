"""Returns whether a folder is as it was, by what stat(2) says of each file and directory; nothing is read.

The mark of a directory changes when a name in it is added, removed or replaced, and the mark of a file when it is
written, whatever modification time it is given afterwards: the kernel alone sets the time of the last change (ctime).
That time moves in ticks, so a folder that was changed just before it was marked may change once more without another
mark. Such marks are never trusted.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from archipelago.container.manifest.app_folder import IGNORED, MAX_ENTRIES

_TICK_NS = 50_000_000
"""More than a tick of the kernel's clock, which takes 10 ms at most (time(7))."""
_SECOND_NS = 1_000_000_000

_Mark = tuple[int, ...]
"""Mode, device, inode, size, time of the last write, time of the last change (nanoseconds since 1970)."""


@dataclass(frozen=True, slots=True)
class FolderMarks:
    """What a folder looked like at one moment."""

    marks: tuple[tuple[str, _Mark | None], ...]
    settled: bool
    """Whether every later change shows."""

    def hold(self) -> bool:
        """Return whether the folder is certainly as it was. Blocks on the file system."""
        return self.settled and all(_mark(path) == mark for path, mark in self.marks)


def folder_marks(folder: Path, now: int) -> FolderMarks:
    """Return the marks of a folder and of all below it; no link is followed. Blocks on the file system.

    `now` is in nanoseconds since 1970. Take the marks before the folder is read: what changes meanwhile then shows.
    """
    marks = tuple(islice(_walk(str(folder)), MAX_ENTRIES + 1))
    complete = len(marks) <= MAX_ENTRIES
    return FolderMarks(marks, complete and all(mark is not None and is_settled(mark[-1], now) for _, mark in marks))


def _walk(path: str) -> Iterator[tuple[str, _Mark | None]]:
    mark = _mark(path)
    yield path, mark
    if mark is None or not stat.S_ISDIR(mark[0]):
        return
    try:
        with os.scandir(path) as entries:
            names = [entry.name for entry in islice(entries, MAX_ENTRIES + 1)]
    except OSError:
        yield path, None
        return
    for name in names:
        if name not in IGNORED:
            yield from _walk(f"{path}/{name}")


def _mark(path: str) -> _Mark | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_mode, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def is_settled(changed: int, now: int) -> bool:
    """Return whether a change from `now` on has another time than `changed`; both in nanoseconds since 1970. Pure.

    A time in the future is another one as well: the clock was set back since.
    """
    # Some file systems keep whole seconds, and FAT keeps even ones.
    tick = 2 * _SECOND_NS + _TICK_NS if changed % _SECOND_NS == 0 else _TICK_NS
    return abs(now - changed) > tick
