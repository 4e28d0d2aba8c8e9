"""Errors on the wire: a stable number for each, the reason in words, and how to fix it."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, to_jsonable_python

from archipelago.container.podman_client.errors import PodmanError, code_of
from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.patterns import PATTERNS
from archipelago.support.texts.text import msg
from archipelago.support.texts.translatable import messages
from archipelago.support.texts.value_words import sentence

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603

# Clients store these numbers: add new ones at the end, never change one.
NUMBERS: Mapping[ErrorCode, int] = {
    ErrorCode.INVALID_MANIFEST: 1001,
    ErrorCode.UNKNOWN_APP: 1002,
    ErrorCode.NOT_INSTALLED: 1003,
    ErrorCode.ALREADY_INSTALLED: 1004,
    ErrorCode.UNRESOLVABLE: 1005,
    ErrorCode.INVALID_OPTION: 1006,
    ErrorCode.STILL_NEEDED: 1007,
    ErrorCode.BUSY: 1008,
    ErrorCode.PORT_TAKEN: 1009,
    ErrorCode.DISK_FULL: 1010,
    ErrorCode.IMAGE: 1011,
    ErrorCode.PODMAN: 1012,
    ErrorCode.NOT_RUNNING: 1013,
    ErrorCode.NOT_HEALTHY: 1014,
    ErrorCode.UNKNOWN_OPERATION: 1015,
    ErrorCode.UNKNOWN_CONTAINER: 1016,
    ErrorCode.TIMEOUT: 1017,
    ErrorCode.FORBIDDEN: 1018,
    ErrorCode.SHUTTING_DOWN: 1019,
    ErrorCode.CANCELLED: 1020,
    ErrorCode.TOO_LATE: 1021,
    ErrorCode.LOGIN_NEEDED: 1022,
    ErrorCode.WRONG_CREDENTIALS: 1023,
    ErrorCode.SECOND_FACTOR: 1024,
    ErrorCode.TOO_MANY: 1025,
    ErrorCode.INVALID_VALUE: 1026,
    ErrorCode.LOCKED: 1027,
    ErrorCode.CONFIRM: 1028,
    ErrorCode.DATA_MISSING: 1029,
    ErrorCode.INCOMPLETE: 1030,
    ErrorCode.INTERNAL: INTERNAL_ERROR,
}

PROTOCOL_ERRORS: Mapping[int, tuple[str, str]] = {
    PARSE_ERROR: ("parse-error", "The body is no JSON."),
    INVALID_REQUEST: ("invalid-request", "The JSON is no request, or the batch is empty or too long."),
    METHOD_NOT_FOUND: ("method-not-found", "There is no such method."),
    INVALID_PARAMS: ("invalid-params", "A parameter is missing, unknown or out of range."),
    INTERNAL_ERROR: ("internal", "The node made a mistake; its log says more."),
}
"""Name and meaning of each error of the protocol itself."""

_MAX_PROBLEMS = 20
_MAX_TEXT = 300


class RpcError(Exception):
    """An error of the protocol itself."""

    def __init__(self, code: int, message: str, *, hint: str = "", **data: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.data = data


ErrorObject = dict[str, Any]


def error_object(error: RpcError | NodeError) -> ErrorObject:
    """Return the `error` member of an answer."""
    if isinstance(error, NodeError):
        number, name = NUMBERS[error.code], error.code.value
    else:
        number, name = error.code, PROTOCOL_ERRORS[error.code][0]
    data = to_jsonable_python(error.data, fallback=str, inf_nan_mode="strings")
    data |= {"name": name, "hint": error.hint}
    if said := messages(message=error.message, hint=error.hint):
        data["messages"] = said
    return {"code": number, "message": error.message, "data": data}


def internal_error() -> RpcError:
    """Return the error for an exception that nobody foresaw; its text may hold secrets and stays in the log."""
    return RpcError(INTERNAL_ERROR, msg("the node made a mistake"), hint=msg("the node's log says more"))


def podman_failed(error: PodmanError) -> NodeError:
    """Return the error for what Podman could not do."""
    hint = msg("'archipelago doctor' examines the host")
    return NodeError(code_of(error), msg("Podman could not do it: {error}", error=error), hint=hint)


def _words(problem: ErrorDetails) -> str:
    return sentence(problem["type"], problem.get("ctx", {}), problem["msg"], PATTERNS)


def invalid_params(method: str, error: ValidationError) -> RpcError:
    """Return the error for parameters that do not fit, with all problems at once."""
    problems = [
        {"param": ".".join(map(str, problem["loc"]))[:_MAX_TEXT], "problem": _words(problem)[:_MAX_TEXT]}
        for problem in error.errors(include_url=False, include_input=False)[:_MAX_PROBLEMS]
    ]
    first = problems[0]
    where = f"{first['param']}: " if first["param"] else ""
    return RpcError(
        INVALID_PARAMS,
        msg("{method}: {where}{problem}", method=method, where=where, problem=first["problem"]),
        hint=msg("rpc.discover lists the parameters of every method"),
        problems=problems,
    )
