"""The log of a container: a file that conmon writes, read from its end and as it grows.

It is read here and not by Podman, whose own reader (4.3) leaves out lines at random once a container has ended, loses
what was written just before conmon begins a new file, garbles long lines, and tells times to the second.
"""

import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from io import FileIO
from pathlib import Path

from archipelago.container.log_parser import MAX_LINE, LogParser, LogText, closing
from archipelago.security.private_files import make_folder, reported

_PIECE = 256 * 1024


class LogFile:
    """One reader of a log: the last lines first, where they are asked for, then what comes after them.

    It may not be there yet, and conmon replaces it when it has grown large. Of the file that was open everything is
    read before the newest one is begun; what was in files between the two is lost to a reader who is that slow. Each
    call takes a moment of work on a disk, and one waits for the other. Raises `NodeError` where it cannot be read.
    """

    def __init__(self, path: Path, redact: Callable[[str], str]) -> None:
        """Take what takes secrets out of texts."""
        self._path = path
        self._redact = redact
        self._file: FileIO | None = None
        self._parser = LogParser()
        # Whoever is cancelled closes a file that a thread may be reading.
        self._turn = threading.Lock()
        self._closed = False

    def last(self, count: int) -> list[LogText]:
        """Return the last `count` lines, and go on behind them; call it first."""
        with self._turn, reported(self._path):
            return self._without_secrets(self._last(count))

    def next(self) -> list[LogText] | None:
        """Return some of the lines that follow, which may end later; None where nothing has been written since."""
        with self._turn, reported(self._path):
            data = self._read()
            return self._without_secrets(self._parser.feed(data)) if data else None

    def rest(self) -> list[LogText]:
        """Return what was written without a newline until now."""
        with self._turn:
            return self._without_secrets(self._parser.flush())

    def close(self) -> None:
        """Read no more."""
        with self._turn:
            self._closed = True
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
        replaced = _is_replaced(file, self._path)
        # After that look: what conmon wrote before it began the new file is all in the old one.
        if (data := file.read(_PIECE)) or not replaced:
            return data
        self._put_away()
        self._parser.skip()
        return self._read()

    def _opened(self) -> FileIO | None:
        if self._file is None and not self._closed:
            with contextlib.suppress(FileNotFoundError):
                self._file = FileIO(self._path, "r")
        return self._file

    def _put_away(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

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

    Raises `NodeError` where there is no place for it; one that is there and cannot be mended is left as it is.

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
    """Tell whether another file has the path of an open one by now."""
    try:
        return not os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _before(file: FileIO, size: int, entries: int) -> int:
    """Return a place before the last `entries` entries, and before the beginning of a line that ends in them.

    That of a line in which the other stream wrote a great deal may still lie ahead of it.
    """
    place, found = size, 0
    while place > 0 and found <= entries:
        step = min(_PIECE, place)
        place -= step
        found += os.pread(file.fileno(), step, place).count(b"\n")
    return max(0, place - 2 * MAX_LINE)
