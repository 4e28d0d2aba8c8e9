"""Announces the names of sites on the local network by multicast DNS (RFC 6762), and each as a service (RFC 6763)."""

import asyncio
import importlib
from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from archipelago.api.local_network import NameConflict
from archipelago.network.sites import Door
from archipelago.support.texts.text import msg

if TYPE_CHECKING:
    from zeroconf import ServiceInfo
    from zeroconf.asyncio import AsyncZeroconf

_SERVICE = "_https._tcp.local."
_PATIENCE = 700
"""Milliseconds in which another machine would answer that it has a name."""


class MdnsDriver:
    """Announces what the doors of the local network have; see `SiteDriver`.

    A name that another machine has is left to it, and reported; the next `apply` asks again. The library is imported
    with the first name, since it takes 8 MB.
    """

    def __init__(self) -> None:
        self._responder: AsyncZeroconf | None = None
        self._place: tuple[tuple[IPv4Address, ...], int] = ((), 0)
        self._announced: dict[str, ServiceInfo] = {}

    async def apply(self, doors: tuple[Door, ...]) -> tuple[str, ...]:
        """Announce the names of these doors and no others; return what is wrong, in words."""
        door = next((door for door in doors if door.tls and door.on_network), None)
        names = set(door.names) if door is not None else set[str]()
        place = _place(door)
        if place != self._place or not names:
            await self.close()
        if not names:
            return ()
        try:
            await self._open(place)
            return await self._announce(names)
        except OSError as error:
            await self.close()
            return (msg("names of apps cannot be announced: {why}", why=error.strerror or error),)

    async def close(self) -> None:
        """Announce nothing any longer, and say so."""
        responder, self._responder = self._responder, None
        self._announced, self._place = {}, ((), 0)
        if responder is not None:
            await responder.async_unregister_all_services()
            await responder.async_close()

    async def _open(self, place: tuple[tuple[IPv4Address, ...], int]) -> None:
        if self._responder is None:
            await asyncio.to_thread(importlib.import_module, "zeroconf.asyncio")
            from zeroconf import IPVersion
            from zeroconf.asyncio import AsyncZeroconf

            self._responder = AsyncZeroconf(interfaces=[str(each) for each in place[0]], ip_version=IPVersion.V4Only)
            self._place = place
            await self._responder.zeroconf.async_wait_for_start()

    async def _announce(self, names: Iterable[str]) -> tuple[str, ...]:
        assert self._responder is not None
        wanted = set(names)
        for name in set(self._announced) - wanted:
            await (await self._responder.async_unregister_service(self._announced.pop(name)))
        found = await asyncio.gather(
            *(self._add(self._responder, name) for name in sorted(wanted - set(self._announced)))
        )
        return tuple(problem for problem in found if problem)

    async def _add(self, responder: "AsyncZeroconf", name: str) -> str:
        from zeroconf import AddressResolverIPv4, Error, IPVersion, ServiceInfo  # type: ignore[attr-defined]

        addresses, port = self._place
        others = AddressResolverIPv4(f"{name}.")
        await others.async_request(responder.zeroconf, _PATIENCE)
        answers = {str(address) for address in others.ip_addresses_by_version(IPVersion.V4Only)}
        taken = answers - {str(address) for address in addresses}
        if taken:
            taken_by = msg("{name} is the name of another machine, {address}", name=name, address=min(taken))
            return NameConflict.of(taken_by)
        info = ServiceInfo(
            _SERVICE,
            f"{name.removesuffix('.local')}.{_SERVICE}",
            addresses=[address.packed for address in addresses],
            port=port,
            server=f"{name}.",
        )
        try:
            await (await responder.async_register_service(info))
        except Error as error:
            return msg("{name} cannot be announced: {why}", name=name, why=str(error) or type(error).__name__)
        self._announced[name] = info
        return ""


def _place(door: Door | None) -> tuple[tuple[IPv4Address, ...], int]:
    if door is None:
        return (), 0
    found = [(address, port) for address, port in door.listens if isinstance(address, IPv4Address)]
    return tuple(address for address, _ in found), found[0][1] if found else 0
