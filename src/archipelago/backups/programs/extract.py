"""Copies one file or folder of a volume, which an app has written, into a folder of the node's user.

No link is followed on the way there or below: each directory is opened in the one before. Links are copied as links;
devices, pipes and sockets are left out. What is copied belongs to the node's user, without special modes. Its argument
is one order as JSON: `volume`, `names`, `to`, and the `reserve` of bytes that stays free. It prints one line of JSON.
"""

import contextlib
import errno
import json
import os
import stat
import sys

_DEEPEST = 200
"""Folders in each other; each is open meanwhile."""
_PIECE = 4 << 20


class ExtractRefused(Exception):
    """The text says why."""


class Extractor:
    """Copies, and counts what was copied."""

    def __init__(self, reserve: int) -> None:
        self._reserve = reserve
        self.counts = {"files": 0, "folders": 0, "links": 0, "left_out": 0, "bytes": 0}

    def copy(self, source: int, target: int, name: str, depth: int = 0) -> None:
        """Copy what has a name in one open directory into another one."""
        found = os.stat(name, dir_fd=source, follow_symlinks=False)
        if stat.S_ISREG(found.st_mode):
            self._copy_file(source, target, name)
        elif stat.S_ISDIR(found.st_mode) and depth < _DEEPEST:
            self._copy_folder(source, target, name, depth)
        elif stat.S_ISLNK(found.st_mode):
            os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
            self.counts["links"] += 1
        else:
            self.counts["left_out"] += 1

    def copy_all(self, source: int, target: int, depth: int = 0) -> None:
        """Copy all that is in one open directory into another one."""
        with os.scandir(source) as entries:
            for entry in entries:
                self.copy(source, target, entry.name, depth)

    def _copy_folder(self, source: int, target: int, name: str, depth: int) -> None:
        self._require_room(target, 0)
        inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=source)
        try:
            os.mkdir(name, 0o700, dir_fd=target)
            made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=target)
            try:
                self.copy_all(inner, made, depth + 1)
                _finish(made, os.fstat(inner), 0o700)
            finally:
                os.close(made)
        finally:
            os.close(inner)
        self.counts["folders"] += 1

    def _copy_file(self, source: int, target: int, name: str) -> None:
        # Not blocking: an app that still ran could put a pipe in its place.
        reader = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=source)
        try:
            found = os.fstat(reader)
            writer = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=target)
            try:
                self._copy_data(reader, writer, found.st_size)
                _finish(writer, found, 0o600)
            finally:
                os.close(writer)
        finally:
            os.close(reader)
        self.counts["files"] += 1

    def _copy_data(self, reader: int, writer: int, size: int) -> None:
        """Copy a file, its holes as holes: one of many terabytes may have a few bytes of data."""
        place = 0
        while place < size:
            try:
                start = os.lseek(reader, place, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    break  # a hole until the end
                raise
            place = os.lseek(reader, start, os.SEEK_HOLE)
            os.lseek(reader, start, os.SEEK_SET)
            os.lseek(writer, start, os.SEEK_SET)
            while start < place:
                data = os.read(reader, min(_PIECE, place - start))
                if not data:
                    break
                self._require_room(writer, len(data))
                _write_all(writer, data)
                start += len(data)
                self.counts["bytes"] += len(data)
        os.ftruncate(writer, size)

    def _require_room(self, file: int, size: int) -> None:
        system = os.fstatvfs(file)
        if system.f_bavail * system.f_frsize < self._reserve + size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _write_all(file: int, data: bytes) -> None:
    """Write all of it: a disk that fills up may take a part, and the rest would come back as zeros."""
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]


def _finish(file: int, found: os.stat_result, least: int) -> None:
    os.fchmod(file, stat.S_IMODE(found.st_mode) & 0o755 | least)
    with contextlib.suppress(OSError, OverflowError):
        os.utime(file, ns=(found.st_mtime_ns, found.st_mtime_ns))


def main() -> None:
    """Carry out the order; the exit code is 1 where that failed."""
    order = json.loads(sys.argv[1])
    extractor = Extractor(order["reserve"])
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    try:
        source, target = os.open(order["volume"], flags), os.open(order["to"], flags)
        *folders, name = order["names"] or [""]
        try:
            for folder in folders:
                source = os.open(folder, flags, dir_fd=source)
            if name:
                os.stat(name, dir_fd=source, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            raise ExtractRefused("missing") from None
        if name:
            extractor.copy(source, target, name)
        else:
            extractor.copy_all(source, target)
        answer: dict = {**extractor.counts}  # type: ignore[type-arg]
    except ExtractRefused as error:
        answer = {"error": str(error)}
    except OSError as error:
        answer = {"error": error.strerror or str(error), "full": error.errno in (errno.ENOSPC, errno.EDQUOT)}
    print(json.dumps(answer), flush=True)
    sys.exit("error" in answer)


if __name__ == "__main__":
    main()
