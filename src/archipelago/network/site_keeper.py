"""Keeps the sites of apps as the installed apps, the owner's switches and the addresses of the node are."""

import asyncio
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address
from typing import Protocol

import structlog

from archipelago.api.trust import PublicFile
from archipelago.container.desired.state import DesiredState
from archipelago.container.manifest.site_names import Doors
from archipelago.errors import NodeError
from archipelago.network.route_keeper import endpoints_of
from archipelago.network.sites import Door, doors, guarded_origins, sites
from archipelago.support.broadcast import Signal
from archipelago.support.texts.text import error_text


class SiteDriver(Protocol):
    """Makes doors to sites work, in one way; calls do not overlap."""

    async def apply(self, doors: tuple[Door, ...]) -> tuple[str, ...]:
        """Have these doors and no others; return what is wrong, in words. Raises `NodeError`."""

    async def close(self) -> None:
        """Leave the doors as they are, for the next daemon."""


class SiteKeeper:
    """Has each driver apply the sites, whenever they change; `seed` is a secret of the node (`place_of`)."""

    def __init__(
        self,
        drivers: Sequence[SiteDriver],
        where: Doors,
        desired: Callable[[], DesiredState],
        changed: Signal,
        seed: str = "",
    ) -> None:
        self._drivers = drivers
        self._where = where
        self._desired = desired
        self._changed = changed
        self._seed = seed
        self._addresses: tuple[IPv4Address, ...] = ()
        self._public: tuple[PublicFile, ...] = ()
        self._applied: tuple[Door, ...] | None = None
        self._applying = asyncio.Lock()
        self._halted = False
        self.problems: tuple[str, ...] = ()
        """Why some of the sites do not work."""
        self.further: tuple[Door, ...] = ()
        """Doors beside those on the node and on the local network, such as those of onion services."""

    @property
    def wanted(self) -> tuple[Door, ...]:
        """The doors that there should be now."""
        if self._halted:
            return ()
        found = sites(endpoints_of(self._desired()), self._seed)
        known = doors(found, self._where, self._addresses, self._public)
        return (*known, *self.further)

    @property
    def guarded(self) -> frozenset[str]:
        """The origins of apps in front of which the node's login stands."""
        return guarded_origins(self.wanted)

    @property
    def on_network(self) -> frozenset[tuple[IPv4Address, int]]:
        """Where the local network finds sites: addresses beyond loopback, and ports."""
        found = {each for door in self.wanted if door.on_network for each in door.listens}
        return frozenset((address, port) for address, port in found if isinstance(address, IPv4Address))

    async def move(self, addresses: tuple[IPv4Address, ...], public: tuple[PublicFile, ...] = ()) -> None:
        """Have sites on these addresses of the host, beside loopback, and what anybody may have of the node."""
        self._addresses, self._public = addresses, public
        await self.apply()

    async def apply(self) -> None:
        """Have the sites be as the apps are; once this returns, they are, or `problems` says why not.

        Certificates that end soon, or do not fit the clock, are issued again.
        """
        async with self._applying:
            wanted = self._applied = self.wanted
            self.problems = tuple([why for driver in self._drivers for why in await _applied(driver, wanted)])
            for problem in self.problems:
                structlog.get_logger("network").warning("a site of an app does not work", why=problem)

    async def follow(self) -> None:
        """Apply the sites whenever they change, until cancelled."""
        while True:
            await self._changed.until(lambda: self.wanted != self._applied)
            try:
                await self.apply()
            except Exception:  # a mistake of ours; the next change, or the look of each minute, may go well
                structlog.get_logger("network").exception("the sites of apps are not served")

    async def halt(self) -> None:
        """Have no site any longer: the node goes down, and its apps with it."""
        self._halted = True
        await self.apply()

    async def close(self) -> None:
        """Look after them no longer; they stay as they are."""
        for driver in self._drivers:
            await driver.close()


async def _applied(driver: SiteDriver, wanted: tuple[Door, ...]) -> tuple[str, ...]:
    try:
        return await driver.apply(wanted)
    except NodeError as error:
        return (error_text(error),)
