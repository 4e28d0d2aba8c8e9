"""Copies of a file that is streamed: one for each change, read back from the disk, the former ones kept.

A file that proves a claim to money (the static channel backup of a Lightning node) may be damaged when it is copied:
empty, cut off, or replaced by that of another wallet. So a copy never takes the place of another one.
"""

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archipelago.errors import ErrorCode, NodeError
from archipelago.support.private_files import make_folder, reported, write_atomically
from archipelago.support.texts.text import msg

MOST = 20
"""Newest copies that are kept; the longest one stays as well."""
LARGEST = 2 * 1024**2
"""Bytes of a file that is streamed."""
_NAME = re.compile(r"(\d{10,})-(\d+)-([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class StreamCopy:
    """One copy of a streamed file."""

    number: int
    size: int
    digest: str
    """SHA-256, in hexadecimal."""

    @property
    def name(self) -> str:
        """Name of its file, which says all of it: what a crash leaves is found out by its digest."""
        return f"{self.number:010}-{self.size}-{self.digest}"


def copy_named(name: str) -> StreamCopy | None:
    """Return the copy of a name; None for one that is none. Pure."""
    found = _NAME.fullmatch(name)
    return StreamCopy(int(found[1]), int(found[2]), found[3]) if found else None


def next_copy(copies: Sequence[StreamCopy], content: bytes) -> StreamCopy | None:
    """Return the copy that is made of a content; None where there is one already, or nothing to copy. Pure.

    What is the same as an older copy was put back, as by a restore: it is not the newest.
    """
    newest = max(copies, key=lambda each: each.number, default=None)
    digest = hashlib.sha256(content).hexdigest()
    if not content or any(each.digest == digest for each in copies):
        return None
    return StreamCopy(newest.number + 1 if newest is not None else 1, len(content), digest)


def spent_copies(copies: Sequence[StreamCopy], most: int = MOST) -> tuple[StreamCopy, ...]:
    """Return the copies that go: neither of the newest, nor the longest one. Pure."""
    ordered = sorted(copies, key=lambda each: each.number)
    longest = max(ordered, key=lambda each: (each.size, each.number), default=None)
    return tuple(each for each in ordered[:-most] if each != longest)


def copies_in(folder: Path) -> tuple[StreamCopy, ...]:
    """Return the copies of a file, the oldest first. Blocking; raises `NodeError`."""
    with reported(folder):
        try:
            names = sorted(path.name for path in folder.iterdir())
        except FileNotFoundError:
            return ()
    found = (copy for name in names if (copy := copy_named(name)) is not None)
    return tuple(sorted(found, key=lambda each: each.number))


def store_copy(folder: Path, content: bytes) -> StreamCopy | None:
    """Store a content of which there is no copy yet, and read it back; a damaged copy of it is written again.

    Returns the newest copy; None where there is none. Blocking; raises `NodeError`.
    """
    copies = copies_in(folder)
    made = next_copy(copies, content)
    if made is None:
        for same in copies:
            if same.digest == hashlib.sha256(content).hexdigest():
                bring_copy(folder, same, content)
        return copies[-1] if copies else None
    bring_copy(folder, made, content)
    with reported(folder):
        for each in spent_copies((*copies, made)):
            (folder / each.name).unlink(missing_ok=True)
    return made


def bring_copy(folder: Path, copy: StreamCopy, content: bytes) -> None:
    """Have a copy be in a folder; one that is there is kept unless it is damaged. Blocking; raises `NodeError`."""
    path = folder / copy.name
    require_content(content, copy, path)
    if is_whole(path, copy):
        return
    with reported(folder):
        make_folder(folder, 0o700)
        write_atomically(path, content)
        try:
            require_whole(path, copy)
        except NodeError:
            # Under this name it would count as a copy.
            path.unlink(missing_ok=True)
            raise


def read_copy(path: Path) -> bytes:
    """Return the content of a copy. Blocking; raises `NodeError`."""
    with reported(path):
        return path.read_bytes()


def is_whole(path: Path, copy: StreamCopy) -> bool:
    """Return whether a file is the copy that it should be, as the disk has it. Blocking."""
    try:
        require_whole(path, copy)
    except NodeError:
        return False
    return True


def require_whole(path: Path, copy: StreamCopy) -> None:
    """Raise `NodeError` where a file is not the copy that it should be, as the disk has it. Blocking."""
    require_content(read_from_disk(path, LARGEST), copy, path)


def require_content(content: bytes, copy: StreamCopy, path: Path) -> None:
    """Raise `NodeError` where a content, of the file `path`, is not that of a copy. Pure."""
    if len(content) != copy.size or hashlib.sha256(content).hexdigest() != copy.digest:
        raise NodeError(
            ErrorCode.INTERNAL,
            msg("{path} is not what was written", path=path),
            hint=msg("look at the disk: 'archipelago doctor'"),
        )


def read_from_disk(path: Path, most: int) -> bytes:
    """Return what a file has on the disk; of one with more than `most` bytes a part. Blocking; raises `NodeError`."""
    with reported(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            # What the page cache has says nothing of the disk.
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            return file.read(most + 1)
