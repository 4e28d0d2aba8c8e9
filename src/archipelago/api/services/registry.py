"""Which part of the node does the work that a protocol describes."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from archipelago.errors import NodeError

S = TypeVar("S")


class Services:
    """The services of a node, each found by the protocol that callers know it by.

    `missing` makes the error for whoever asks for one that is not there; without it, that is a mistake of ours.
    """

    def __init__(self, *, missing: Callable[[], NodeError] | None = None) -> None:
        self._found: dict[type, Callable[[], Any]] = {}
        self._missing = missing

    def provide(self, kind: type[S], service: S) -> "Services":
        """Have `service` do what `kind` describes; return the services, for the next one."""
        self._found[kind] = lambda: service
        return self

    def provide_late(self, kind: type[S], make: Callable[[], S]) -> "Services":
        """Have what `make` returns do what `kind` describes; it is called when the service is first asked for.

        For services that few calls need: an idle node does without what `make` imports.
        """
        self._found[kind] = cache(make)
        return self

    def of(self, kind: type[S]) -> S:
        """Return the service of a kind. Raises `NodeError` or `LookupError`."""
        if kind in self._found:
            service: S = self._found[kind]()
            return service
        if self._missing is not None:
            raise self._missing()
        raise LookupError(f"nobody provides {kind.__name__}")

    def __contains__(self, kind: type) -> bool:
        """Return whether there is a service of a kind."""
        return kind in self._found
