"""What can go wrong for the command line, and the exit code that says so."""

from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """Exit codes; scripts rely on them."""

    OK = 0
    FAILED = 1
    """The operation failed."""
    USAGE = 2
    """The command or an option makes no sense."""
    NOT_FOUND = 3
    """There is no such app, container or operation."""
    REFUSED = 4
    """The node refused; nothing was changed."""
    UNREACHABLE = 69
    """The node does not answer (EX_UNAVAILABLE)."""
    INTERRUPTED = 130
    """Ctrl-C."""


_USAGE = frozenset({"invalid-option", "invalid-params", "invalid-request", "parse-error", "method-not-found"})
_NOT_FOUND = frozenset({"unknown-app", "not-installed", "unknown-operation", "unknown-container"})
_FAILED = frozenset({"image", "podman", "timeout", "cancelled", "internal"})


class CommandError(Exception):
    """A failure in the shape of the RPC's error object."""

    def __init__(self, exit_code: Exit, message: str, hint: str = "", *, error: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.message = message
        self.hint = hint
        name = exit_code.name.lower()
        self.error = error or {"code": int(exit_code), "message": message, "data": {"name": name, "hint": hint}}


def from_rpc(error: dict[str, Any]) -> CommandError:
    """Return the failure for an error object of the node."""
    data = error.get("data") or {}
    name = data.get("name", "")
    if name in _USAGE:
        code = Exit.USAGE
    elif name in _NOT_FOUND:
        code = Exit.NOT_FOUND
    else:
        code = Exit.FAILED if name in _FAILED else Exit.REFUSED
    return CommandError(code, str(error.get("message", "")), str(data.get("hint", "")), error=error)
