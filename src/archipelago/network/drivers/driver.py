"""What every driver of routes does."""

from collections.abc import Collection, Mapping
from typing import Protocol

from archipelago.network.routes import Route


class RouteDriver(Protocol):
    """Makes routes to apps work, in one way."""

    async def apply(self, routes: Collection[Route]) -> Mapping[Route, str]:
        """Have these routes and no others; return those that cannot be had, and why. Calls do not overlap.

        A route that is there already stays as it is, and keeps its connections.
        """

    async def close(self) -> None:
        """Have no route any longer."""
