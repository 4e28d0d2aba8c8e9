"""Reads the tarball of a package (tar(5), pax) and unpacks it. Blocks on files.

A tarball is of unknown origin. Only what npm itself packs is accepted: files and folders, with names that stay below
the folder. Nothing is taken into memory but bounded pieces.
"""

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from archipelago.container.images.file_names import wrong_file_name

_BLOCK = 512
_PIECE = 1 << 20
_MOST_HEADER = 64 << 10
_ON_DISK = 4096
_FILE = (tarfile.REGTYPE, tarfile.AREGTYPE)
_ELF_HEAD = 20


class BadTarball(Exception):
    """A tarball that is not unpacked; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class TarballLimits:
    """How large a tarball may be."""

    entries: int = 50_000
    bytes: int = 512 << 20
    """Unpacked."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a tarball had."""

    files: frozenset[str]
    """Paths inside the package."""
    addons: tuple[tuple[str, bytes], ...]
    """Path and first bytes of each addon that is built already (`.node`)."""


@dataclass(frozen=True, slots=True)
class _TarEntry:
    name: str
    """Inside the package; empty for the folder itself."""
    is_folder: bool
    size: int
    executable: bool


def unpacked_bytes(source: Path, limits: TarballLimits | None = None) -> int:
    """Return the bytes of disk that a tarball takes when it is unpacked. Raises `BadTarball` and OSError."""
    # Also an empty file or a folder takes something.
    return sum(_ON_DISK * (entry.size // _ON_DISK + 1) for entry, _ in _read(source, limits or TarballLimits()))


def unpack_tarball(source: Path, into: Path, limits: TarballLimits | None = None) -> Unpacked:
    """Unpack a tarball, without its first folder, into a folder that does not exist yet.

    Raises `BadTarball` and OSError.
    """
    files, addons = set[str](), list[tuple[str, bytes]]()
    _make_folder(into, existing=False)
    for entry, content in _read(source, limits or TarballLimits()):
        try:
            if entry.is_folder:
                _make_folders(into, PurePosixPath(entry.name))
                continue
            _make_folders(into, PurePosixPath(entry.name).parent)
            head = _write(into / entry.name, entry, content)
        except (FileExistsError, NotADirectoryError):
            raise BadTarball(f"{entry.name!r} is there twice, or is a file and a folder in it") from None
        files.add(entry.name)
        if entry.name.endswith(".node"):
            addons.append((entry.name, head))
    return Unpacked(frozenset(files), tuple(addons))


def _make_folders(into: Path, path: PurePosixPath) -> None:
    for each in (*reversed(path.parents), path):
        _make_folder(into / each, existing=True)


def _make_folder(path: Path, *, existing: bool) -> None:
    if existing and path.is_dir():
        return
    path.mkdir()
    # Not by mkdir's own mode, from which the umask takes.
    path.chmod(0o755)


def _write(path: Path, entry: _TarEntry, content: "_Stream") -> bytes:
    head = b""
    with path.open("xb") as file:
        for piece in content.pieces(entry.size):
            head = head or piece[:_ELF_HEAD]
            file.write(piece)
    path.chmod(0o755 if entry.executable else 0o644)
    return head


def _read(source: Path, limits: TarballLimits) -> Iterator[tuple[_TarEntry, "_Stream"]]:
    """Yield what is in a tarball; the content of a file that nobody reads is passed over."""
    left, count = limits.bytes, 0
    with _opened(source) as stream:
        for entry in _entries(stream):
            count, left = count + 1, left - entry.size
            if count > limits.entries:
                raise BadTarball(f"it has more than {limits.entries} files")
            if left < 0:
                raise BadTarball(f"it has more than {limits.bytes} bytes, unpacked")
            end = stream.read_bytes + entry.size
            yield entry, stream
            stream.skip(end - stream.read_bytes)
            stream.skip(-entry.size % _BLOCK)


@contextmanager
def _opened(source: Path) -> Iterator["_Stream"]:
    try:
        with gzip.open(source, "rb") as file:
            yield _Stream(file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadTarball(f"it is not compressed as tarballs are: {error}") from error


class _Stream:
    """What is decompressed, from the front to the end."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file
        self.read_bytes = 0

    def block(self) -> bytes:
        """Return the next block; nothing at the end."""
        found = self._file.read(_BLOCK)
        self.read_bytes += len(found)
        return found

    def pieces(self, size: int) -> Iterator[bytes]:
        """Yield exactly so many bytes."""
        while size:
            piece = self._file.read(min(size, _PIECE))
            if not piece:
                raise BadTarball("it ends early")
            size -= len(piece)
            self.read_bytes += len(piece)
            yield piece

    def skip(self, size: int) -> None:
        """Pass over so many bytes."""
        for _ in self.pieces(size):
            pass


def _entries(stream: _Stream) -> Iterator[_TarEntry]:
    """Yield the files and folders of a tar file; the reader of each reads or skips its content before the next."""
    extended: dict[str, str] = {}
    headers = 0
    while (header := _header(stream)) is not None:
        if header.type in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME):
            headers += 1
            if headers > 2 or header.size > _MOST_HEADER:
                raise BadTarball("what it says of a file is too long")
            content = b"".join(stream.pieces(header.size))
            stream.skip(-header.size % _BLOCK)
            if header.type == tarfile.XHDTYPE:
                extended = _records(content)
            elif header.type == tarfile.GNUTYPE_LONGNAME:
                extended = {"path": content.rstrip(b"\0").decode("utf-8", "surrogateescape")}
            continue
        yield _entry(header, extended)
        extended, headers = {}, 0


def _header(stream: _Stream) -> tarfile.TarInfo | None:
    block = stream.block()
    if not block.strip(b"\0"):
        return None
    try:
        found = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise BadTarball(f"it is no tar file: {error}") from error
    if found.size < 0:
        raise BadTarball("a file of it has a negative size")
    return found


def _records(content: bytes) -> dict[str, str]:
    """Read the records of an extended header: `LENGTH KEY=VALUE` and a line feed each."""
    found: dict[str, str] = {}
    while content:
        length, space, _ = content[:10].partition(b" ")
        size = int(length) if space and length.isdigit() else 0
        record = content[len(length) + 1 : size]
        key, equals, value = record.partition(b"=")
        if not equals or size > len(content) or not value.endswith(b"\n"):
            raise BadTarball("an extended header of it is none")
        found[key.decode("utf-8", "surrogateescape")] = value[:-1].decode("utf-8", "surrogateescape")
        content = content[size:]
    return found


def _entry(header: tarfile.TarInfo, extended: dict[str, str]) -> _TarEntry:
    name = extended.get("path", header.name).rstrip("/")
    is_folder = header.type == tarfile.DIRTYPE
    if not is_folder and header.type not in _FILE:
        raise BadTarball(f"{name[:200]!r} is neither a file nor a folder")
    if extended.get("size", str(header.size)) != str(header.size):
        raise BadTarball(f"{name[:200]!r} has two sizes")
    if reason := wrong_file_name(name):
        raise BadTarball(reason[:400])
    inner = name.partition("/")[2]
    if not is_folder and not inner:
        raise BadTarball(f"{name!r} is in no folder")
    return _TarEntry(inner, is_folder, 0 if is_folder else header.size, bool(header.mode & 0o111))
