"""What an RPC method is: name, parameters, result, who may call it, and the function that answers it."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict

from archipelago.api.services.registry import Services
from archipelago.rpc.access import Caller
from archipelago.storage.records.permissions import Permission

_SENSITIVE = (Permission.ACCOUNT, Permission.ADMINISTER)


class Params(BaseModel):
    """Base of the parameters of a method: frozen, unknown keys refused."""

    # What is given may be a password: an error that somebody logs must not quote it.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, hide_input_in_errors=True)


class NoParams(Params):
    """A method without parameters."""


class Handler:
    """A function that takes, by the types that it names, what it needs of a call.

    That is the parameters of the call (a `Params`), who calls (`Caller`), and services (`api.services`).
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        hints = get_type_hints(function, include_extras=True)
        self._function = function
        self._taken: Mapping[str, Any] = {name: hints[name] for name in inspect.signature(function).parameters}
        self.result: Any = hints.get("return")
        """What it returns, once it is awaited; None for nothing."""
        if self.result is type(None):
            self.result = None

    @property
    def params(self) -> type[Params]:
        """Its parameters; `NoParams` where it takes none."""
        return next(filter(_is_params, self._taken.values()), NoParams)

    @property
    def services(self) -> tuple[type, ...]:
        """The services that it needs."""
        return tuple(kind for kind in self._taken.values() if kind is not Caller and not _is_params(kind))

    def __call__(self, services: Services, params: Params, caller: Caller) -> Any:
        """Call it; what it returns, a coroutine as a rule, is returned as it is."""

        def find(kind: Any) -> object:
            if kind is Caller:
                return caller
            return params if _is_params(kind) else services.of(kind)

        return self._function(**{name: find(kind) for name, kind in self._taken.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method. There is no default permission: who may call it is part of what it is."""

    name: str
    summary: str
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
    """Whether those whom it concerns are notified on the page once it is done."""
    concerns: Handler | None = None
    """Returns whose account a call is about, where no parameter says it."""
    params: type[Params]
    result: Any
    """Type of the result, for the description of the RPC."""
    handler: Handler

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


def _is_params(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Params)


F = TypeVar("F", bound=Callable[..., Awaitable[object]])


class Family:
    """The methods of a module, in the order of the reference. A decorator beside each handler makes the method."""

    def __init__(self) -> None:
        self._methods: list[Method] = []

    @property
    def methods(self) -> tuple[Method, ...]:
        """All of them."""
        return tuple(self._methods)

    def method(
        self,
        name: str,
        summary: str,
        *,
        permission: Permission,
        mutates: bool = False,
        recorded: bool = False,
        confirms: bool | None = None,
        tells: bool = False,
        concerns: Callable[..., str | None] | None = None,
    ) -> Callable[[F], F]:
        """Make a function the handler of a method (see `Method`); its types say what it takes and returns."""

        def add(function: F) -> F:
            handler = Handler(function)
            self._methods.append(
                Method(
                    name=name,
                    summary=summary,
                    permission=permission,
                    mutates=mutates,
                    recorded=recorded,
                    confirms=confirms,
                    tells=tells,
                    concerns=Handler(concerns) if concerns is not None else None,
                    params=handler.params,
                    result=handler.result,
                    handler=handler,
                )
            )
            return function

        return add
