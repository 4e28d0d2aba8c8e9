"""Requests about what is in volumes, where an app may put links in the way at any moment."""

import contextlib
import os
import stat

from archipelago.container.namespace.agent.files import make_passage
from archipelago.container.namespace.agent.refused import Refused
from archipelago.container.namespace.agent.removal import remove_tree

LOST_FOUND, _STAGE, _DIVIDED = "lost+found", ".part", ".divided"
MARKS = (_STAGE, _DIVIDED)
"""Directories that the node makes in a volume."""


@contextlib.contextmanager
def walked(volume: str, names: list):  # type: ignore[no-untyped-def, type-arg]
    """Yield a descriptor of the directory that the names lead to; no link is followed."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    directory = os.open(volume, flags)
    try:
        for name in names:
            _require_name(name)
            inner = os.open(name, flags, dir_fd=directory)
            os.close(directory)
            directory = inner
        yield directory
    finally:
        os.close(directory)


def _require_name(name: str) -> None:
    if name in ("", ".", "..") or "/" in name:
        raise Refused(f"{name!r} is no name")


def is_there(volume: str, names: list) -> bool:  # type: ignore[type-arg]
    """Return whether the names lead to something in a volume."""
    try:
        with walked(volume, names[:-1]) as directory:
            os.stat(names[-1], dir_fd=directory, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def set_aside(volume: str, names: list, suffix: str) -> dict:  # type: ignore[type-arg]
    """Rename what the names lead to, if it is there."""
    if not is_there(volume, names):
        return {"moved": False}
    new = f"{names[-1]}.{suffix}"
    if is_there(volume, [*names[:-1], new]):
        raise Refused(f"{new} is there already")
    with walked(volume, names[:-1]) as directory:
        os.rename(names[-1], new, src_dir_fd=directory, dst_dir_fd=directory)
    return {"moved": True}


def discard(volume: str, names: list) -> dict:  # type: ignore[type-arg]
    """Delete what the names lead to; no names stand for all that is in the volume."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), walked(volume, names[:-1]) as directory:
        for name in names[-1:] or os.listdir(directory):
            if stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                remove_tree(name, directory)
            else:
                os.unlink(name, dir_fd=directory)
    return {}


def put_file(volume: str, names: list, content: bytes) -> dict:  # type: ignore[type-arg]
    """Write a file in a volume, in the place of another one; it and its folders belong to whom the volume does."""
    for name in names:
        _require_name(name)
    owner = os.stat(volume)
    for depth in range(1, len(names)):
        with walked(volume, names[: depth - 1]) as directory, contextlib.suppress(FileExistsError):
            os.mkdir(names[depth - 1], 0o700, dir_fd=directory)
            os.chown(names[depth - 1], owner.st_uid, owner.st_gid, dir_fd=directory, follow_symlinks=False)
    with walked(volume, names[:-1]) as directory:
        temporary = f"{names[-1]}.new"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=directory)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(temporary, flags, 0o600, dir_fd=directory), "wb") as file:
            file.write(content)
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, names[-1], src_dir_fd=directory, dst_dir_fd=directory)
        os.fsync(directory)
    return {}


def divide(volume: str, part: str, gid: int) -> dict:  # type: ignore[type-arg]
    """Have a volume be a directory of parts. What an app kept in it before becomes `part`.

    A mark, which comes last, shows whether that was done; a call that was killed goes on where it stopped.
    """
    with contextlib.suppress(FileNotFoundError), walked(volume, []) as directory:
        found = os.fstat(directory)
        if found.st_uid != 0 and not is_there(volume, [_DIVIDED]):
            with contextlib.suppress(FileExistsError):
                os.mkdir(_STAGE, 0o700, dir_fd=directory)
            with walked(volume, [_STAGE]) as stage:
                for name in os.listdir(directory):
                    if name not in (LOST_FOUND, *MARKS):
                        os.rename(name, name, src_dir_fd=directory, dst_dir_fd=stage)
                os.fchown(stage, found.st_uid, found.st_gid)
            os.fchown(directory, 0, gid)
        if is_there(volume, [_STAGE]):
            os.rename(_STAGE, part, src_dir_fd=directory, dst_dir_fd=directory)
    answer = make_passage(volume, gid)
    with contextlib.suppress(FileExistsError):
        os.mkdir(os.path.join(volume, _DIVIDED), 0o700)
    return answer
