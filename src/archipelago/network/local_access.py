"""Whether the node and its apps are reachable from the local network, and on which of the host's addresses."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Collection
from ipaddress import AddressValueError, IPv4Address
from typing import Protocol

from archipelago.container.desired_state import DesiredState
from archipelago.container.manifest.model import Access
from archipelago.container.manifest.model import Protocol as EndpointProtocol
from archipelago.container.node_view import LocalAccessView
from archipelago.container.signal import Signal
from archipelago.errors import ErrorCode, NodeError
from archipelago.network.host_firewall import host_ruleset
from archipelago.network.host_names import local_names
from archipelago.network.ingress import Ingress, Route
from archipelago.security.certificates import Certificates, fingerprint, may_listen_on
from archipelago.support.descriptors import limit, shares

ALL = "lan"
"""Stands for every private address that this host has."""
_FACT = "listen"
Front = Callable[[Collection[IPv4Address], Collection[str], ssl.SSLContext], Awaitable[None]]
"""Has the node's own page listen on addresses, called by names; raises `NodeError`."""


class Facts(Protocol):
    """Keeps small values."""

    async def fact(self, key: str, make: Callable[[], str]) -> str: ...
    async def set_fact(self, key: str, value: str) -> None: ...


class LocalAccess:
    """Listens beyond loopback, as the owner decided."""

    def __init__(
        self,
        facts: Facts,
        certificates: Certificates,
        host: str,
        port: int,
        own_addresses: Callable[[], tuple[IPv4Address, ...]],
        has_password: Callable[[], bool],
        desired: Callable[[], DesiredState],
        changed: Signal,
    ) -> None:
        self._facts = facts
        self._certificates = certificates
        self._names = local_names(host)
        self._port = port
        self._own_addresses = own_addresses
        self._has_password = has_password
        self._desired = desired
        self._changed = changed
        self._addresses: tuple[IPv4Address, ...] = ()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._ingress = Ingress(shares(limit()).apps)
        self._led: frozenset[Route] = frozenset()
        self._front: Front | None = None
        self._follower: asyncio.Task[None] | None = None
        self._deciding = asyncio.Lock()
        self._opened = asyncio.Event()

    @property
    def addresses(self) -> tuple[IPv4Address, ...]:
        """Where the node listens beyond loopback."""
        return self._addresses

    async def open(self, front: Front) -> None:
        """Listen as the owner decided earlier; until that is done, or has failed, all questions and decisions wait."""
        self._front = front
        try:
            kept = await self._facts.fact(_FACT, str)
            await self._listen(tuple(map(IPv4Address, kept.split())))
        finally:
            self._opened.set()

    async def close(self) -> None:
        """Listen no longer."""
        if self._follower is not None:
            self._follower.cancel()
        await self._ingress.close()

    async def listen(self, wanted: Collection[str]) -> LocalAccessView:
        """Listen on these addresses of the host, and on no others. Raises `NodeError`, and changes nothing then."""
        await self._opened.wait()
        async with self._deciding:
            own = await asyncio.to_thread(self._own_addresses)
            addresses = choose(wanted, own)
            if addresses and not self._has_password():
                raise NodeError(
                    ErrorCode.FORBIDDEN,
                    "nobody could be told from the owner yet, so the node stays on loopback",
                    hint="set a password first: 'archipelago password'",
                )
            before = self._addresses
            try:
                await self._listen(addresses)
            except NodeError:
                await self._listen(before)
                raise
            await self._facts.set_fact(_FACT, " ".join(map(str, addresses)))
            return await self.view()

    async def view(self) -> LocalAccessView:
        """Return how it is."""
        await self._opened.wait()
        own = await asyncio.to_thread(self._own_addresses)
        authority = await asyncio.to_thread(self._certificates.authority)
        routes = sorted(self._routes(), key=lambda route: (route.address, route.port))
        problems = [
            f"{address} is not an address of this host now" for address in self._addresses if address not in own
        ]
        problems += [f"{route.address} port {route.port}: {why}" for route, why in self._ingress.problems.items()]
        return LocalAccessView(
            available=tuple(str(address) for address in own if may_listen_on(address)),
            listening=tuple(map(str, self._addresses)),
            addresses=tuple(f"https://{address}:{self._port}" for address in self._addresses),
            names=self._names,
            endpoints=tuple(f"{route.address}:{route.port}" for route in routes),
            problems=tuple(problems),
            authority=authority.certificate_pem().decode(),
            fingerprint=fingerprint(authority.certificate),
            valid_until=authority.certificate.not_valid_after_utc,
        )

    async def firewall(self, ssh_port: int | None) -> str:
        """Return the rules of the host's firewall that fit, as a script of nft(8)."""
        await self._opened.wait()
        ways = {(address, self._port) for address in self._addresses}
        ways |= {(route.address, route.port) for route in self._routes()}
        return host_ruleset(ways, ssh_port)

    async def renew(self) -> None:
        """Take a new certificate where the one in use ends soon, and try again what could not be opened."""
        async with self._deciding:
            if self._addresses:
                await asyncio.to_thread(self._certificates.load, self._context, self._names, self._addresses)
                await self._lead()

    async def _listen(self, addresses: tuple[IPv4Address, ...]) -> None:
        if addresses:
            await asyncio.to_thread(self._certificates.load, self._context, self._names, addresses)
        if self._front is not None:
            await self._front(addresses, self._names, self._context)
        self._addresses = addresses
        await self._lead()
        if self._follower is None:
            self._follower = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        """Keep the ways into apps as the apps are."""
        while True:
            await self._changed.until(lambda: self._routes() != self._led)
            await self._lead()

    async def _lead(self) -> None:
        self._led = self._routes()
        await self._ingress.lead(self._led, self._context)

    def _routes(self) -> frozenset[Route]:
        state = self._desired()
        return frozenset(
            Route(address, found.record.ports.get(name, endpoint.host_port), endpoint.protocol is EndpointProtocol.HTTP)
            for address in self._addresses
            for app, found in state.apps.items()
            if state.wanted(app)
            for name, endpoint in found.record.package.manifest.endpoints.items()
            if Access.LAN in endpoint.access
        )


def choose(wanted: Collection[str], own: Collection[IPv4Address]) -> tuple[IPv4Address, ...]:
    """Return the addresses that texts name, in order; raises `NodeError` for one that is not a private one of ours."""
    possible = sorted(address for address in own if may_listen_on(address))
    hint = f"choose from: {' '.join(map(str, possible)) or 'none, this host has no address of a local network'}"
    found: set[IPv4Address] = set()
    for text in wanted:
        try:
            named = set(possible) if text == ALL else {IPv4Address(text)}
        except AddressValueError as error:
            raise NodeError(ErrorCode.INVALID_VALUE, f"{text!r} is no IPv4 address", hint=hint) from error
        if not named or not named <= set(possible):
            foreign = text == ALL or not may_listen_on(min(named))
            why = "is not an address of a local network" if foreign else "is not an address of this host"
            raise NodeError(ErrorCode.INVALID_VALUE, f"{text} {why}", hint=hint)
        found |= named
    return tuple(sorted(found))
