"""The one error type that reaches an owner: what, where, how to fix."""

import errno
from collections.abc import Mapping
from enum import StrEnum


class ErrorCode(StrEnum):
    """Stable names of what can go wrong; the RPC maps each to a number."""

    INVALID_MANIFEST = "invalid-manifest"
    UNKNOWN_APP = "unknown-app"
    NOT_INSTALLED = "not-installed"
    ALREADY_INSTALLED = "already-installed"
    UNRESOLVABLE = "unresolvable"
    INVALID_OPTION = "invalid-option"
    STILL_NEEDED = "still-needed"
    BUSY = "busy"
    PORT_TAKEN = "port-taken"
    DISK_FULL = "disk-full"
    IMAGE = "image"
    PODMAN = "podman"
    NOT_RUNNING = "not-running"
    NOT_HEALTHY = "not-healthy"
    UNKNOWN_OPERATION = "unknown-operation"
    UNKNOWN_CONTAINER = "unknown-container"
    TIMEOUT = "timeout"
    FORBIDDEN = "forbidden"
    SHUTTING_DOWN = "shutting-down"
    CANCELLED = "cancelled"
    TOO_LATE = "too-late"
    LOGIN_NEEDED = "login-needed"
    WRONG_CREDENTIALS = "wrong-credentials"
    SECOND_FACTOR = "second-factor"
    TOO_MANY = "too-many"
    INVALID_VALUE = "invalid-value"
    LOCKED = "locked"
    CONFIRM = "confirm"
    DATA_MISSING = "data-missing"
    INCOMPLETE = "incomplete"
    """Some of what was asked for was done; the message says what was not."""
    INTERNAL = "internal"


class NodeError(Exception):
    """A refusal or failure that an owner can read: nothing was changed unless the message says so."""

    def __init__(
        self, code: ErrorCode, message: str, *, hint: str = "", data: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.data: dict[str, object] = dict(data or {})

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


_FULL_DISK = (
    "no space left on device",
    "disk quota exceeded",
    "enospc",
    "enough free space in",
    "database or disk is full",
)
"""The words of the C library, Go, apt and SQLite where a disk is full; small letters."""


_BROKEN_DISK = ("read-only file system", "input/output error", "structure needs cleaning", "stale file handle")
"""The C library's words where a file system takes nothing any more (EROFS, EIO, EUCLEAN, ESTALE); small letters."""
DISK_REMEDY = (
    "look what the kernel says of the disk: dmesg | grep -i 'error\\|remount'; save what can be read, check the file "
    "system (fsck), and mount it again"
)


def is_disk_full(error: OSError) -> bool:
    """Return whether the operating system refused because a disk, a quota or the number of files is used up."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def says_disk_broken(words: str) -> bool:
    """Return whether the system's or a program's words say that a disk is read-only or fails."""
    return any(sign in words.lower() for sign in _BROKEN_DISK)


def says_disk_full(words: str) -> bool:
    """Return whether another program's words say that a disk is full."""
    return any(sign in words.lower() for sign in _FULL_DISK)


def trouble_code(words: str) -> ErrorCode:
    """Return the code of what another program could not do with data, by its words: DISK_FULL, or else NOT_HEALTHY."""
    return ErrorCode.DISK_FULL if says_disk_full(words) else ErrorCode.NOT_HEALTHY
