"""What an RPC method is: name, parameters, result, and who may call it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from archipelago.storage.records.permissions import Permission

_SENSITIVE = (Permission.ACCOUNT, Permission.ADMINISTER)


class Params(BaseModel):
    """Base of the parameters of a method: frozen, unknown keys refused."""

    # What is given may be a password: an error that somebody logs must not quote it.
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True)


class NoParams(Params):
    """A method without parameters."""


P = TypeVar("P", bound=Params)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method(Generic[P]):
    """One method. There is no default permission: who may call it is part of what it is."""

    name: str
    summary: str
    params: type[P]
    result: Any
    """Type of the result, for the description of the RPC."""
    permission: Permission
    mutates: bool = False
    """Whether it changes something; then it runs to its end even if the caller hangs up."""
    recorded: bool = False
    """Whether it is written to the audit log though it changes nothing of the node; what mutates always is."""
    confirms: bool | None = None
    """Whether it needs a confirmation (`login-confirm`) beside the session, and is never for a token: it changes how
    somebody logs in, shows what makes its reader the owner, or deletes keys to money for ever. What looks after
    accounts or the node must say."""
    tells: bool = False
    """Whether those whom it concerns are told on the page once it is done."""
    concerns: Callable[..., str | None] | None = None
    """Takes what a personal handler takes, and returns whose account a call is about, where no parameter says it."""
    personal: bool = False
    """Whether the handler is told who calls, as its third argument (`rpc.access.Caller`)."""
    handler: Callable[..., Awaitable[object]]
    """Takes the engine (`container.engine.Engine`) and the parameters."""

    @property
    def on_record(self) -> bool:
        """Whether each call is written to the audit log."""
        return self.mutates or self.recorded

    def __post_init__(self) -> None:
        """Refuse a method that nobody was asked about."""
        if not isinstance(self.permission, Permission):
            raise TypeError(f"method {self.name} has no permission")
        if self.confirms is None and self.permission in _SENSITIVE and (self.mutates or self.recorded):
            raise TypeError(f"method {self.name} does not say whether it asks for a confirmation")


AnyMethod = Method[Any]
