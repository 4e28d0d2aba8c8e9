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
    message, hint = str(error.get("message", "")), str(data.get("hint", ""))
    if name == "invalid-params" and isinstance(problems := data.get("problems"), list) and problems:
        message = "; ".join(f"{_spoken(str(each['param']))}{each['problem']}" for each in problems)
        hint = "'archipelago COMMAND --help' says what a command takes"
    return CommandError(code, message, hint, error=error)


_OPTIONS = {
    "permissions": "--may",
    "options": "--set",
    "choices": "--choose",
    "days": "--days",
    "limit": "--limit",
    "tail": "--tail",
    "timeout": "--timeout",
    "container": "--container",
    "revision": "--since",
    "role": "--role",
    "reset": "--reset",
    "addresses": "ADDRESS",
}
"""What a parameter of the RPC is called on a command line, where it is not an argument of its own name."""


def _spoken(param: str) -> str:
    """Return what a parameter is called on the command line, with what is meant of it: `--set network: `."""
    name, *rest = param.split(".")
    if not name:
        return ""
    words = [_OPTIONS.get(name, name.upper()), *(word for word in rest if not word.isdigit() and word != "[key]")]
    return f"{' '.join(words)}: "
