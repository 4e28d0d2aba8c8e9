"""The log of a container: a file that conmon writes, read from its end and as it grows.

It is read here and not by Podman, whose own reader (4.3) leaves out lines at random once a container has ended, loses
what was written just before conmon starts a new file, garbles long lines, and gives times to the second.
"""

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from io import FileIO
from pathlib import Path

from archipelago.container.logs.parser import MAX_LINE, LogParser, LogText, closing, count_lines
from archipelago.support.private_files import make_folder, reported

_PIECE = 256 * 1024
_HELD = 3
"""Files behind the one that is read which are kept open for a reader who is slow; of ten megabytes each."""


class LogFile:
    """One reader of a log: the last lines first, where they are asked for, then what comes after them.

    It may not be there yet, and conmon replaces it when it has grown large, whether it was read or not: nothing makes
    an app wait. So whoever follows calls `watch` often: files that are replaced stay open, and are on disk, until they
    are read. When a reader falls behind by more than `_HELD` files, the oldest is let go and its lines are counted,
    which bounds what the readers of one log keep on disk together. Each call takes a moment of work on a disk. Raises
    `NodeError` where it cannot be read.
    """

    def __init__(self, path: Path, redact: Callable[[str], str]) -> None:
        """Take what takes secrets out of texts."""
        self._path = path
        self._redact = redact
        self._file: FileIO | None = None
        self._newer: deque[FileIO] = deque()
        """Files that conmon started after the one that is read, the oldest first."""
        self._missing = 0
        """Lines that were let go since the last one that was returned."""
        self._parser = LogParser()
        # Whoever is cancelled closes a file that a thread may be reading.
        self._turn = threading.Lock()
        self._closed = False

    def last(self, count: int) -> list[LogText]:
        """Return the last `count` lines, and go on behind them; call it first."""
        with reported(self._path):
            with self._turn:
                found = self._last(count)
            return self._without_secrets(found)

    def next(self) -> list[LogText] | None:
        """Return some of the lines that follow, which may end later; None where nothing has been written since."""
        with reported(self._path):
            with self._turn:
                data = self._read()
                found = self._parser.feed(data)
                if found and self._missing:
                    found[0] = replace(found[0], missing=self._missing)
                    self._missing = 0
            # Not in turn: it takes long, and `watch` must not wait.
            return self._without_secrets(found) if data else None

    def rest(self) -> list[LogText]:
        """Return what was written without a newline until now."""
        with self._turn:
            found = self._parser.flush()
        return self._without_secrets(found)

    def watch(self) -> None:
        """Keep what conmon is about to rotate; call it several times a second, also while lines wait to be taken."""
        with self._turn, reported(self._path):
            self._look()

    def close(self) -> None:
        """Read no more."""
        with self._turn:
            self._closed = True
            while self._file is not None:
                self._put_away()

    def _last(self, count: int) -> list[LogText]:
        if (file := self._opened()) is None:
            return []
        size = os.fstat(file.fileno()).st_size
        entries = count + 1
        while True:
            start = _before(file, size, entries)
            self._parser = LogParser()
            file.seek(start)
            found: list[LogText] = []
            while file.tell() < size and (data := file.read(min(_PIECE, size - file.tell()))):
                found += self._parser.feed(data)
            # A line may be of many entries.
            if start == 0 or len(found) > count:
                return found[max(0, len(found) - count) :]
            entries *= 2

    def _read(self) -> bytes:
        if (file := self._opened()) is None:
            return b""
        if os.fstat(file.fileno()).st_size < file.tell():
            file.seek(0)  # somebody emptied it
            self._parser.skip()
        self._look()
        assert self._file is not None
        # After that look: what conmon wrote before it started the next file is all in this one.
        if (data := self._file.read(_PIECE)) or not self._newer:
            return data
        self._put_away()
        self._parser.skip()
        return self._read()

    def _look(self) -> None:
        """Open the newest file, should it be another one; let the oldest go where there are too many."""
        newest = self._newer[-1] if self._newer else self._file
        if newest is None or self._closed or not _is_replaced(newest, self._path):
            return
        with contextlib.suppress(FileNotFoundError):
            self._newer.append(FileIO(self._path, "r"))
        if len(self._newer) > _HELD and self._file is not None:
            rest = self._parser.abandon()
            while data := self._file.read(_PIECE):
                whole, _, rest = (rest + data).rpartition(b"\n")
                self._missing += count_lines(whole)
            self._put_away()

    def _opened(self) -> FileIO | None:
        if self._file is None and not self._closed:
            with contextlib.suppress(FileNotFoundError):
                self._file = FileIO(self._path, "r")
        return self._file

    def _put_away(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._newer.popleft() if self._newer else None

    def _without_secrets(self, lines: list[LogText]) -> list[LogText]:
        return [replace(line, text=self._redact(line.text)) for line in lines]


def last_lines(path: Path, redact: Callable[[str], str], count: int) -> list[LogText]:
    """Return the last lines of a log, an unfinished one included. Raises `NodeError`."""
    file = LogFile(path, redact)
    try:
        found = [*file.last(count), *file.rest()]
        return found[max(0, len(found) - count) :]
    finally:
        file.close()


def make_ready(path: Path, limit: int) -> None:
    """Have a log in which the next run of its container can write, before conmon opens it.

    Raises `NodeError` where there is no place for it; one that is there and cannot be repaired is left as it is.

    conmon (2.1.6) counts what it writes from nothing, however large the file is that it goes on with. And what a run
    left unfinished, or a power cut of an entry, would be joined to the first words of the next one.
    """
    with reported(path):
        make_folder(path.parent, 0o700)
    with contextlib.suppress(OSError), path.open("r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size >= limit:
            path.unlink()
            return
        file.seek(max(0, size - 2 * MAX_LINE))
        file.write(closing(file.read()))


def _is_replaced(file: FileIO, path: Path) -> bool:
    """Return whether another file has the path of an open one by now."""
    try:
        return not os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _before(file: FileIO, size: int, entries: int) -> int:
    """Return a place before the last `entries` entries, and before the start of a line that ends in them.

    That of a line in which the other stream wrote a great deal may still lie ahead of it.
    """
    place, found = size, 0
    while place > 0 and found <= entries:
        step = min(_PIECE, place)
        place -= step
        found += os.pread(file.fileno(), step, place).count(b"\n")
    return max(0, place - 2 * MAX_LINE)
