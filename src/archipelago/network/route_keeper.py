"""Keeps the routes to apps as the installed apps, the owner's switches and the addresses of the node are."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address

from archipelago.container.desired.state import DesiredState
from archipelago.network.drivers.driver import RouteDriver
from archipelago.network.routes import AppEndpoints, Route, routes
from archipelago.support.broadcast import Signal
from archipelago.support.texts.text import msg


class RouteKeeper:
    """Has each driver apply the routes, whenever they change."""

    def __init__(self, drivers: Sequence[RouteDriver], desired: Callable[[], DesiredState], changed: Signal) -> None:
        self._drivers = drivers
        self._desired = desired
        self._changed = changed
        self._addresses: tuple[IPv4Address, ...] = ()
        self._applied: tuple[Route, ...] = ()
        self._applying = asyncio.Lock()
        self.problems: tuple[str, ...] = ()
        """Why some of the routes do not work."""

    @property
    def wanted(self) -> tuple[Route, ...]:
        """The routes that there should be now, in order."""
        return routes(endpoints_of(self._desired()).values(), self._addresses)

    async def move(self, addresses: tuple[IPv4Address, ...]) -> None:
        """Have the routes start at these addresses of the host."""
        self._addresses = addresses
        await self.apply()

    async def apply(self) -> None:
        """Have the routes be as the apps are; once this returns, they are."""
        async with self._applying:
            wanted = self._applied = self.wanted
            failed = {route: why for driver in self._drivers for route, why in (await driver.apply(wanted)).items()}
            self.problems = tuple(
                msg("{address} port {port}: {why}", address=route.address, port=route.port, why=why)
                for route, why in failed.items()
            )

    async def follow(self) -> None:
        """Apply the routes whenever they change, until cancelled."""
        while True:
            await self._changed.until(lambda: self.wanted != self._applied)
            await self.apply()

    async def close(self) -> None:
        """Have no route any longer."""
        for driver in self._drivers:
            await driver.close()


def endpoints_of(state: DesiredState) -> Mapping[str, AppEndpoints]:
    """Return what leads from outside to each app that should run."""
    return {
        app: AppEndpoints(
            found.record.package.manifest.endpoints, found.record.ports, found.record.lan, found.record.tor
        )
        for app, found in state.apps.items()
        if state.wanted(app)
    }
