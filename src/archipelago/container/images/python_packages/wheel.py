"""Checks wheels (PyPA specification "Binary distribution format") and writes them again from what was understood.

A wheel is a zip file of unknown origin. Readers of zip files differ: what one takes for a file's name, another may
not. So the installer does not read that file, but a plain one that is written here from the checked content.
"""

import errno
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from archipelago.container.images.file_names import wrong_file_name

_SCHEMES = frozenset({"purelib", "platlib", "headers", "scripts", "data"})
_METADATA = frozenset({"METADATA", "WHEEL", "RECORD"})
_SCRIPT_SECTIONS = frozenset({"console_scripts", "gui_scripts"})
_SECTION = re.compile(r"\[([^\[\]]+)\]")
_SCRIPT_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+ -]*", re.ASCII)
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED = 0x1
_PIECE = 1024**2
_BLOCK = 4096
_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class WheelLimits:
    """How large a wheel may be."""

    entries: int = 50_000
    bytes: int = 1024**3
    """Unpacked."""
    text: int = 1024**2
    """Of the list of its programs."""


class BadWheel(Exception):
    """A wheel that is not installed; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class _Entry:
    info: zipfile.ZipInfo
    name: str
    """Without a slash at its end."""
    mode: int

    @property
    def path(self) -> PurePosixPath:
        return PurePosixPath(self.name)


def unpacked_size(source: Path) -> int:
    """Return the bytes of disk that a wheel takes when it is unpacked; `rewrite_wheel` writes no more than it says.

    Blocks on files. Raises `BadWheel` and OSError.
    """
    with _read(source) as archive:
        # Also an empty file takes something.
        return sum(_BLOCK * (info.file_size // _BLOCK + 1) for info in archive.infolist())


def rewrite_wheel(source: Path, filename: str, target: Path, limits: WheelLimits | None = None) -> None:
    """Check a wheel that is called `filename`, and write it again, uncompressed, to `target`.

    Blocks on files. Raises `BadWheel` and OSError.
    """
    limits = limits or WheelLimits()
    with _read(source) as archive:
        entries = _entries(archive, limits)
        _check_layout(entries, *_name_and_version(filename))
        _check_scripts(archive, entries, limits.text)
        with zipfile.ZipFile(target, "x", zipfile.ZIP_STORED) as written:
            for entry in entries:
                _copy(archive, entry, written)


@contextmanager
def _read(source: Path) -> Iterator[zipfile.ZipFile]:
    """Yield what is in a wheel; what turns out not to be readable meanwhile is a `BadWheel`."""
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, struct.error, zlib.error) as error:
        raise BadWheel(f"it is no zip file: {error}") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # an offset that is none
            raise
        raise BadWheel(f"it is no zip file: {error}") from error


def check_file_names(names: Iterable[str]) -> None:
    """Check that names are relative paths of files that do not stand in each other's way. Raises `BadWheel`."""
    files: set[str] = set()
    for name in names:
        _check_name(name)
        if name in files:
            raise BadWheel(f"it has two files called {name!r}")
        files.add(name)
    for name in files:
        for parent in PurePosixPath(name).parents:
            if str(parent) in files:
                raise BadWheel(f"{str(parent)!r} is a file and a folder in it")


def _name_and_version(filename: str) -> tuple[str, Version]:
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise BadWheel(str(error)) from None
    return name, version


def _entries(archive: zipfile.ZipFile, limits: WheelLimits) -> list[_Entry]:
    found = archive.infolist()
    if len(found) > limits.entries:
        raise BadWheel(f"it has more than {limits.entries} files")
    if sum(info.file_size for info in found) > limits.bytes:
        raise BadWheel(f"it has more than {limits.bytes} bytes, unpacked")
    entries = [_entry(info) for info in found]
    folders = {entry.name for entry in entries if entry.info.is_dir()}
    files = [entry.name for entry in entries if not entry.info.is_dir()]
    for name in folders:
        _check_name(name)
    check_file_names(files)
    if both := folders.intersection(files):
        raise BadWheel(f"{min(both)!r} is a file and a folder in it")
    _check_folders(folders, frozenset(files))
    return entries


def _check_folders(folders: Iterable[str], files: frozenset[str]) -> None:
    for name in folders:
        if not files.isdisjoint(str(parent) for parent in PurePosixPath(name).parents):
            raise BadWheel(f"the folder {name!r} is below a file")


def _entry(info: zipfile.ZipInfo) -> _Entry:
    if not info.filename:
        raise BadWheel("it has a file without a name")
    mode = info.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if kind not in (0, stat.S_IFDIR if info.is_dir() else stat.S_IFREG):
        raise BadWheel(f"{info.filename!r} is neither a file nor a folder")
    if info.orig_filename != info.filename:
        raise BadWheel(f"{info.orig_filename!r} is not a file's name")
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
        raise BadWheel(f"{info.filename!r} is encrypted or packed in a way that wheels are not")
    return _Entry(info, info.filename.removesuffix("/"), mode)


def _check_name(name: str) -> None:
    if reason := wrong_file_name(name):
        raise BadWheel(reason)


def _check_layout(entries: list[_Entry], name: str, version: Version) -> None:
    """Check the folders of metadata and of data: one each at most, and called as the wheel is."""
    top = {entry.path.parts[0] for entry in entries}
    infos = [folder for folder in top if folder.lower().endswith(".dist-info")]
    if len(infos) != 1 or not _is_named(infos[0], ".dist-info", name, version):
        raise BadWheel(f"it must have one folder {name}-{version}.dist-info, and has {sorted(infos)}")
    files = {entry.name for entry in entries if not entry.info.is_dir()}
    if missing := {f"{infos[0]}/{each}" for each in _METADATA} - files:
        raise BadWheel(f"it has no {min(missing)}")
    for entry in entries:
        folder, *below = entry.path.parts
        if not folder.lower().endswith(".data"):
            continue
        if not _is_named(folder, ".data", name, version):
            raise BadWheel(f"its folder of data is called {folder!r}")
        if below and (below[0] not in _SCHEMES or (len(below) == 1 and not entry.info.is_dir())):
            raise BadWheel(f"{entry.name!r} is at no place that wheels have")
        if below[:1] == ["scripts"] and len(below) > 2:
            raise BadWheel(f"the program {entry.name!r} is in a folder of its own")


def _is_named(folder: str, suffix: str, name: str, version: Version) -> bool:
    found, _, found_version = folder.removesuffix(suffix).rpartition("-")
    try:
        # A dash of the version is written as an underscore.
        return canonicalize_name(found) == name and Version(found_version.replace("_", "-")) == version
    except InvalidVersion:
        return False


def _check_scripts(archive: zipfile.ZipFile, entries: list[_Entry], limit: int) -> None:
    """Check the names of the programs that an installer makes (entry points specification)."""
    for entry in entries:
        if not (entry.path.match("*.dist-info/entry_points.txt") and len(entry.path.parts) == 2):
            continue
        if entry.info.file_size > limit:
            raise BadWheel(f"{entry.name!r} has more than {limit} bytes")
        text = archive.read(entry.info).decode("utf-8-sig")
        for name in _script_names(text):
            if not _SCRIPT_NAME.fullmatch(name):
                raise BadWheel(f"{name!r} is not a program's name")


def _script_names(text: str) -> Iterator[str]:
    inside = False
    for line in re.split(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", text):
        stripped = line.strip()
        if not stripped or stripped.startswith(("#", ";")):
            continue
        if stripped.startswith("["):
            section = _SECTION.fullmatch(stripped)
            if section is None:
                raise BadWheel(f"its list of programs has a line {stripped[:60]!r}")
            inside = section[1].strip().lower() in _SCRIPT_SECTIONS
        elif inside:
            yield re.split(r"[=:]", stripped, maxsplit=1)[0].strip()


def _copy(archive: zipfile.ZipFile, entry: _Entry, written: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo(f"{entry.name}/" if entry.info.is_dir() else entry.name, _TIME)
    info.create_system = 3  # Unix: its modes are read
    if entry.info.is_dir():
        info.external_attr = (stat.S_IFDIR | 0o755) << 16
        written.writestr(info, b"")
        return
    executable = bool(entry.mode & 0o111)
    info.external_attr = (stat.S_IFREG | (0o755 if executable else 0o644)) << 16
    info.file_size = entry.info.file_size
    with archive.open(entry.info) as content, written.open(info, "w") as copy:
        while piece := content.read(_PIECE):
            copy.write(piece)
