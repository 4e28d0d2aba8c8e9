"""Downloaded files, kept by their hash. Each is checked again whenever it is used."""

import hashlib
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_NAME = re.compile(r"(?:[0-9a-f]{64}){1,2}", re.ASCII)
_PIECE = 1024**2
_LIMIT = 1024**3


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal. Blocks; raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class FileCache:
    """Files by their hash in a folder of the node's own, which no build sees. Blocks on files; raises OSError."""

    def __init__(self, folder: Path, limit: int = _LIMIT, digest: Callable[[Path], str] = sha256_of) -> None:
        """`digest` returns the hash of a file, 64 or 128 hexadecimal digits; ValueError is for one that has none."""
        self._folder = folder
        self._limit = limit
        """Bytes that `trim` leaves."""
        self._digest = digest
        self._changing = threading.Lock()

    def take(self, digest: str, target: Path) -> bool:
        """Copy a file to `target`, which must not exist; return whether it was kept, whole and unchanged."""
        path = self._folder / digest
        try:
            source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return False
        with open(source, "rb") as file, target.open("xb") as copy:  # noqa: PTH123 - by descriptor
            shutil.copyfileobj(file, copy, _PIECE)
        if not self.fits(digest, target):
            target.unlink()
            with self._changing:
                self._remove(path)
            return False
        with suppress(FileNotFoundError):
            os.utime(path, follow_symlinks=False)  # for `trim`
        return True

    def fits(self, digest: str, path: Path) -> bool:
        """Return whether a file has this hash."""
        try:
            return self._digest(path) == digest
        except ValueError:
            return False

    def put(self, digest: str, source: Path) -> None:
        """Keep a copy of a file that has this hash."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self._folder / f"{secrets.token_hex(8)}.part"
        with self._changing:
            try:
                shutil.copyfile(source, partial)
                partial.replace(self._folder / digest)
            finally:
                partial.unlink(missing_ok=True)

    def trim(self) -> None:
        """Remove what was not used for the longest time, until the limit is kept, and what a crash left behind."""
        left = self._limit
        with self._changing:
            for path in self._newest_first():
                size = path.lstat().st_size
                if size > left or not _NAME.fullmatch(path.name):
                    self._remove(path)
                else:
                    left -= size

    def _newest_first(self) -> list[Path]:
        entries = list(self._folder.iterdir()) if self._folder.is_dir() else []
        for path in entries:
            if path.lstat().st_mtime > time.time():
                # By a clock that was ahead; all that is used from now on would count as older, and go first.
                os.utime(path, (0, 0), follow_symlinks=False)
        return sorted(entries, key=lambda path: path.lstat().st_mtime_ns, reverse=True)

    def _remove(self, path: Path) -> None:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        with suppress(FileNotFoundError):
            path.unlink()
