"""The files of the audit log: where the next line goes, and the room that is kept on the disk for it."""

import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from archipelago.errors import is_disk_full
from archipelago.support.preallocate import preallocate
from archipelago.support.private_files import sync_folder

LARGEST_FILE = 8 << 20
RESERVE = 1 << 20
"""Bytes on the disk that are kept for entries to come: some two thousand."""
_STEP = 64 << 10
_LONGEST_LINE = 64 << 10
_UNKNOWN = 1 << 62
"""What is kept on a file system that keeps nothing: writing shows whether there is room."""


class AuditFiles:
    """Files in a folder, named by the sequence of their first entry, `000000000001.jsonl` …; only the newest grows."""

    def __init__(self, folder: Path, largest: int) -> None:
        self.folder = folder
        self._largest = largest
        self._growing: Path | None = None
        self._kept = 0
        """Size to which the growing file can grow for certain."""

    def all(self) -> list[Path]:
        """Return all files, the oldest first."""
        return sorted(self.folder.glob("[0-9]*.jsonl"))

    def append(self, sequence: int, line: bytes, spare: int) -> None:
        """Append the line of an entry and have it on the disk, or leave everything as it was. Raises `OSError`.

        `spare` bytes of the room that is kept must be left afterwards.
        """
        path = self._place(sequence)
        descriptor = _open_to_append(path)
        try:
            size = os.fstat(descriptor).st_size
            # Half a line that somebody put there must not swallow this one.
            is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            line = b"\n" * is_torn + line
            end = size + len(line)
            if path != self._growing:
                self._growing, self._kept = path, 0
            self._keep(descriptor, end)
            if self._kept - end < spare:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            try:
                _write(descriptor, line)
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, size)  # half a line would spoil the next one
                self._kept = 0
                raise
        finally:
            os.close(descriptor)

    def _place(self, sequence: int) -> Path:
        files = self.all()
        newest = self.folder / f"{sequence:012}.jsonl"
        if not files:
            return self._begin(newest)
        if files[-1].stat().st_size < self._largest:
            return files[-1]
        try:
            self._begin(newest)
        except OSError as error:
            if not is_disk_full(error):
                raise
            return files[-1]  # which has room that was kept
        os.truncate(files[-1], files[-1].stat().st_size)  # and needs it no longer
        return newest

    def _begin(self, path: Path) -> Path:
        descriptor = _open_to_append(path)
        try:
            preallocate(descriptor, RESERVE)
        except OSError:
            path.unlink()
            raise
        finally:
            os.close(descriptor)
        sync_folder(self.folder)
        return path

    def _keep(self, descriptor: int, end: int) -> None:
        """Keep room beyond `end`, as much as there is."""
        if self._kept >= end + RESERVE:
            return
        for room in (RESERVE + _STEP, RESERVE, RESERVE // 2, 0):
            if self._kept >= end + room:
                return
            try:
                self._kept = end + room if preallocate(descriptor, end + room) else _UNKNOWN
            except OSError as error:
                if not is_disk_full(error):
                    raise
            else:
                return


def lines_of(files: Sequence[Path], end: int | None = None) -> Iterator[bytes]:
    """Yield the lines of files, of the last one up to byte `end`; too long a line comes in pieces, and is no entry.

    Raises `OSError`.
    """
    for number, path in enumerate(files, start=1):
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            while line := file.readline(_LONGEST_LINE):
                if number == len(files) and end is not None and file.tell() > end:
                    break
                yield line


def cut(path: Path, count: int) -> None:
    """Remove a last line that a power cut left unfinished: nobody was promised that it had been written."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - count)
        os.fsync(file.fileno())


def _open_to_append(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def _write(descriptor: int, line: bytes) -> None:
    while line:
        line = line[os.write(descriptor, line) :]
