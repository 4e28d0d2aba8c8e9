"""Why a request cannot be planned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from archipelago.container.manifest.model.scalars import Key, Scalar
from archipelago.errors import ErrorCode, NodeError


class ResolutionCode(StrEnum):
    """Kinds of refusal."""

    UNKNOWN_APP = "unknown_app"
    NOT_INSTALLED = "not_installed"
    BAD_REQUEST = "bad_request"
    INVALID_OPTION = "invalid_option"
    NO_PROVIDER = "no_provider"
    VERSION_MISMATCH = "version_mismatch"
    DEMAND_CONFLICT = "demand_conflict"
    CONFLICT = "conflict"
    LEASE_TAKEN = "lease_taken"
    CYCLE = "cycle"
    ARCHITECTURE = "architecture"
    HOST_TOO_SMALL = "host_too_small"
    STILL_NEEDED = "still_needed"
    PORTS_EXHAUSTED = "ports_exhausted"
    TOO_COMPLEX = "too_complex"


_CODES: Mapping[ResolutionCode, ErrorCode] = MappingProxyType(
    {
        ResolutionCode.UNKNOWN_APP: ErrorCode.UNKNOWN_APP,
        ResolutionCode.NOT_INSTALLED: ErrorCode.NOT_INSTALLED,
        ResolutionCode.INVALID_OPTION: ErrorCode.INVALID_OPTION,
        ResolutionCode.STILL_NEEDED: ErrorCode.STILL_NEEDED,
    }
)


class ResolutionError(NodeError):
    """A request cannot be planned; `message` says where and what, `hint` how to fix it, `data` holds the parts.

    `reason` is the kind of refusal (`data["reason"]` as well), `code` the node's coarser one.
    """

    def __init__(
        self, reason: ResolutionCode, message: str, hint: str = "", data: Mapping[str, object] | None = None
    ) -> None:
        code = _CODES.get(reason, ErrorCode.UNRESOLVABLE)
        super().__init__(code, message, hint=hint, data={"reason": reason.value, **(data or {})})
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Cure:
    """A demand of an option that nobody has set: of this value, or of any other one."""

    option: Key
    value: Scalar
    equal: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """One way that was tried and does not work."""

    code: ResolutionCode
    message: str
    hint: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    apps: tuple[str, ...] = ()
    """Apps without which the problem would not be there."""
    bindings: tuple[tuple[str, str, str], ...] = ()
    """Consumer, interface and provider of the bindings that take part, where they are known."""
    cures: tuple[Cure, ...] = ()
    """Demands, of which one at least must come for the problem to go away."""

    def error(self) -> ResolutionError:
        """Return the problem as an exception."""
        return ResolutionError(self.code, self.message, self.hint, self.data)
