"""The hash of a Go module: `h1` of https://pkg.go.dev/golang.org/x/mod/sumdb/dirhash. Blocks on files."""

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path

from archipelago.container.images.go_modules.sums import GoFileKind

_PIECE = 1 << 20
_MOST_UNPACKED = 500 << 20
"""Bytes of a module's files, as Go itself has it."""
_MOST_FILES = 100_000


class BadModule(ValueError):
    """A file that is no module's."""


def go_digest(path: Path) -> str:
    """Return the `h1` hash of a module's file in hexadecimal. Raises `BadModule` and OSError."""
    return _mod_digest(path) if path.suffix == f".{GoFileKind.MOD.value}" else _zip_digest(path)


def _mod_digest(path: Path) -> str:
    with path.open("rb") as file:
        return _over([("go.mod", hashlib.file_digest(file, "sha256").hexdigest())])


def _zip_digest(path: Path) -> str:
    hashes: list[tuple[str, str]] = []
    left = _MOST_UNPACKED
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > _MOST_FILES:
                raise BadModule("too many files")
            for member in members:
                digest = hashlib.sha256()
                with archive.open(member) as file:
                    while piece := file.read(_PIECE):
                        left -= len(piece)
                        if left < 0:
                            raise BadModule("too large")
                        digest.update(piece)
                hashes.append((member.filename, digest.hexdigest()))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise BadModule(str(error)) from error
    return _over(hashes)


def _over(hashes: Iterable[tuple[str, str]]) -> str:
    total = hashlib.sha256()
    for name, digest in sorted(hashes):
        if "\n" in name:
            raise BadModule("a name with a line break")
        total.update(f"{digest}  {name}\n".encode())
    return total.hexdigest()
