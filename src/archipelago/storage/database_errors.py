"""What SQLite refuses, in words for an owner: which file, what happened, how to fix it."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.lock_holders import Holder, lock_holders
from archipelago.support.texts.text import msg

FILES = ("", "-wal", "-shm")
"""Endings of the names of a database's files (https://www.sqlite.org/walformat.html)."""
_PRIMARY = 0xFF
"""An extended result code has the primary one in its lowest byte (https://www.sqlite.org/rescode.html)."""
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})


def is_locked(error: BaseException | None) -> bool:
    """Return whether SQLite refused because another connection has a lock: it may be gone in a moment."""
    return _code(error) in _LOCKED


def refusal(error: BaseException | None, path: Path) -> NodeError | None:
    """Return what an owner should read of an error of SQLite; None for one that only a mistake of ours explains."""
    code = _code(error)
    if code in _LOCKED:
        return _locked(path, lock_holders(path.with_name(path.name + ending) for ending in FILES))
    known = _known(code, path)
    if known is None:
        return None
    what, hint = known
    return NodeError(
        ErrorCode.DISK_FULL if code == sqlite3.SQLITE_FULL else ErrorCode.INTERNAL,
        msg("{what}; nothing was changed", what=what),
        hint=hint,
    )


def _known(code: int, path: Path) -> tuple[str, str] | None:
    """Return what happened, and how to fix it."""
    match code:
        case sqlite3.SQLITE_FULL:
            return (msg("the disk that holds {path} is full", path=path), msg("free some space, then try again"))
        case sqlite3.SQLITE_READONLY:
            return (
                msg("{path} cannot be written to", path=path),
                msg("check that its disk is not mounted read-only, and who owns the file"),
            )
        case sqlite3.SQLITE_PERM:
            return (msg("{path} may not be opened", path=path), msg("check who owns the file and its folder"))
        case sqlite3.SQLITE_CANTOPEN:
            return (
                msg("{path} cannot be opened", path=path),
                msg("check that its disk is mounted, and who owns the file and its folder"),
            )
        case sqlite3.SQLITE_IOERR:
            return (
                msg("the disk fails to read or write {path}", path=path),
                msg("see what the kernel says of the disk: 'dmesg'; then check the disk"),
            )
        case sqlite3.SQLITE_CORRUPT:
            return (msg("{path} is damaged", path=path), msg("check the disk, and restore the file from a backup"))
        case sqlite3.SQLITE_NOTADB:
            return (msg("{path} is not a database", path=path), msg("restore the file from a backup"))
        case _:
            return None


def _locked(path: Path, holders: Sequence[Holder]) -> NodeError:
    if holders:
        who = " and ".join(f"process {each.pid} ({each.program})" for each in holders)
        return NodeError(
            ErrorCode.BUSY,
            msg("{path} is locked by {who}; nothing was changed", path=path, who=who),
            hint=msg("close or end that program, then try again; to read the database, open a copy of it"),
        )
    return NodeError(
        ErrorCode.BUSY,
        msg("another program has locked {path}; nothing was changed", path=path),
        hint=msg("'fuser {path}' finds that program; close or end it, then try again", path=path),
    )


def _code(error: BaseException | None) -> int:
    found = getattr(error, "sqlite_errorcode", None)
    return found & _PRIMARY if isinstance(found, int) else sqlite3.SQLITE_OK
