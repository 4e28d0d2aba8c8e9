"""What SQLite refuses, in words for an owner: which file, what happened, how to fix it."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.lock_holders import Holder, lock_holders
from archipelago.support.texts.text import msg

FILES = ("", "-wal", "-shm")
"""Endings of the names of a database's files (https://www.sqlite.org/walformat.html)."""
_PRIMARY = 0xFF
"""An extended result code has the primary one in its lowest byte (https://www.sqlite.org/rescode.html)."""
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})


@dataclass(frozen=True, slots=True)
class _Refusal:
    what: str
    hint: str
    code: ErrorCode = ErrorCode.INTERNAL


_REFUSALS = {
    sqlite3.SQLITE_FULL: _Refusal(
        "the disk that holds {path} is full", msg("free some space, then try again"), ErrorCode.DISK_FULL
    ),
    sqlite3.SQLITE_READONLY: _Refusal(
        "{path} cannot be written to", msg("check that its disk is not mounted read-only, and who owns the file")
    ),
    sqlite3.SQLITE_PERM: _Refusal("{path} may not be opened", msg("check who owns the file and its folder")),
    sqlite3.SQLITE_CANTOPEN: _Refusal(
        "{path} cannot be opened", msg("check that its disk is mounted, and who owns the file and its folder")
    ),
    sqlite3.SQLITE_IOERR: _Refusal(
        "the disk fails to read or write {path}",
        msg("see what the kernel says of the disk: 'dmesg'; then check the disk"),
    ),
    sqlite3.SQLITE_CORRUPT: _Refusal("{path} is damaged", msg("check the disk, and restore the file from a backup")),
    sqlite3.SQLITE_NOTADB: _Refusal("{path} is not a database", msg("restore the file from a backup")),
}


def is_locked(error: BaseException | None) -> bool:
    """Return whether SQLite refused because another connection has a lock: it may be gone in a moment."""
    return _code(error) in _LOCKED


def refusal(error: BaseException | None, path: Path) -> NodeError | None:
    """Return what an owner should read of an error of SQLite; None for one that only a mistake of ours explains."""
    code = _code(error)
    if code in _LOCKED:
        return _locked(path, lock_holders(path.with_name(path.name + ending) for ending in FILES))
    known = _REFUSALS.get(code)
    if known is None:
        return None
    return NodeError(known.code, msg("{what}; nothing was changed", what=known.what.format(path=path)), hint=known.hint)


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
