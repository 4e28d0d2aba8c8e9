"""Files that are for the node alone: mode 0600 from the start, whole or not at all, and on disk at once."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archipelago.errors import ErrorCode, NodeError, is_disk_full
from archipelago.support.texts.text import msg


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses into an error for the owner."""
    try:
        yield
    except OSError as error:
        full = is_disk_full(error)
        raise NodeError(
            ErrorCode.DISK_FULL if full else ErrorCode.INTERNAL,
            msg("{path}: {error}", path=path, error=error.strerror or error),
            hint=msg("make room on the disk") if full else msg("the node needs its data folder for itself"),
        ) from error


def make_folder(folder: Path, mode: int) -> None:
    """Make a folder and those above it, each with the mode, and each on disk before the next."""
    for one in reversed((folder, *folder.parents)):
        if not one.is_dir():
            one.mkdir(mode=mode, exist_ok=True)
            sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder written to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file of mode 0600, or leave what was there."""
    temporary = path.with_suffix(".new")
    # A leftover of a crash may have any mode; a new file has the right one from the start.
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


class FileTooLongError(NodeError):
    """A file is longer than what belongs into it can be."""


def read_key_file(path: Path, limit: int) -> bytes:
    """Return a key file of at most `limit` bytes; raises `FileTooLongError` where it is longer.

    Raises `NodeError` where others could read it, and `OSError` for a link.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise NodeError(ErrorCode.INTERNAL, msg("{path} is not a regular file", path=path))
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise NodeError(
                ErrorCode.INTERNAL,
                msg("{path} can be read by others than its owner", path=path),
                hint=f"chmod 0600 {path}",
            )
        content = file.read(limit + 1)
    if len(content) > limit:
        # A part of a key or a passphrase would be taken for another one.
        raise FileTooLongError(
            ErrorCode.INTERNAL,
            msg("{path} is longer than {limit} bytes, which it cannot be", path=path, limit=limit),
            hint=msg("restore the file from a backup"),
        )
    return content
