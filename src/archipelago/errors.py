"""The one error type that reaches an owner: what, where, how to mend."""

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
