"""Whether the node and its apps are reachable from the local network, and on which of the host's addresses."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Protocol

import structlog

from archipelago.api.local_network import ALL, AuthorityDates, NetworkLook, Outlook
from archipelago.api.system import LocalAccessView
from archipelago.api.trust import PublicFile, TrustGuide
from archipelago.errors import ErrorCode, NodeError
from archipelago.network.address_watch import Stop, watch_addresses
from archipelago.network.addresses import choose, resolve
from archipelago.network.host_firewall import host_ruleset
from archipelago.network.route_keeper import RouteKeeper
from archipelago.network.routes import Trust
from archipelago.network.self_look import Knock, ask_for_names, call_doors
from archipelago.network.site_keeper import SiteKeeper
from archipelago.network.trust.trust_files import TrustFiles
from archipelago.security.keys.certificates import Certificates
from archipelago.support.host_names import local_names
from archipelago.support.local_networks import may_listen_on
from archipelago.support.texts.text import error_text, msg

_FACT = "listen"
Front = Callable[[Collection[IPv4Address], Collection[str], ssl.SSLContext], Awaitable[Mapping[IPv4Address, NodeError]]]
"""Has the node's own page listen on addresses, called by names; returns on which it cannot, and why."""
Watch = Callable[[Callable[[], None]], Stop]
"""Calls a function when addresses of this host change, until the function that it returns is called."""


class Facts(Protocol):
    """Keeps small values."""

    async def found_fact(self, key: str) -> str:
        """Return a value, an empty text where there is none."""

    async def set_fact(self, key: str, value: str) -> None:
        """Keep a value."""


class LocalAccess:
    """Listens beyond loopback, as the owner decided.

    The decision is kept as it was made, and what it means is looked up whenever the addresses of this host change.
    """

    def __init__(
        self,
        facts: Facts,
        certificates: Certificates,
        host: str,
        port: int,
        own_addresses: Callable[[], tuple[IPv4Address, ...]],
        has_password: Callable[[], bool],
        routes: RouteKeeper,
        sites: SiteKeeper,
        trust: TrustFiles,
        contexts: Mapping[Trust, ssl.SSLContext],
        watch: Watch = watch_addresses,
    ) -> None:
        self._facts = facts
        self._certificates = certificates
        self._names = local_names(host)
        self._port = port
        self._own_addresses = own_addresses
        self._has_password = has_password
        self._routes = routes
        self._sites = sites
        self._trust = trust
        self._contexts = contexts
        self._watch = watch
        self._wanted: tuple[str, ...] = ()
        self._refused: Mapping[IPv4Address, NodeError] = {}
        self._failure = ""
        self._addresses: tuple[IPv4Address, ...] = ()
        self._front: Front | None = None
        self._moved = asyncio.Event()
        self._stop_watching: Stop = lambda: None
        self._followers: list[asyncio.Task[None]] = []
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
            async with self._deciding:
                self._wanted = tuple((await self._facts.found_fact(_FACT)).split())
                # First: an address that comes while the others are opened must not be missed.
                self._stop_watching = self._watch(self._moved.set)
                self._followers = [
                    asyncio.create_task(each)
                    for each in (self._routes.follow(), self._sites.follow(), self._follow_host())
                ]
                _raise_first(await self._listen(resolve(self._wanted, await self._own())))
        except NodeError as error:
            self._failure = error_text(error)
            raise
        finally:
            self._opened.set()

    async def close(self) -> None:
        """Listen no longer."""
        self._stop_watching()
        for follower in self._followers:
            follower.cancel()
        await asyncio.gather(*self._followers, return_exceptions=True)
        await self._routes.close()
        await self._sites.close()

    async def halt(self) -> None:
        """Have no way to apps from browsers any longer: they are down."""
        await self._sites.halt()

    async def listen(self, wanted: Collection[str]) -> LocalAccessView:
        """Listen on these addresses of the host, and on no others. Raises `NodeError`, and changes nothing then."""
        await self._opened.wait()
        async with self._deciding:
            addresses = choose(wanted, await self._own())
            if addresses and not self._has_password():
                raise NodeError(
                    ErrorCode.FORBIDDEN,
                    msg("the owner cannot be recognised yet, so the node stays on loopback"),
                    hint=msg("set a password first: 'archipelago password'"),
                )
            before = self._addresses
            try:
                _raise_first(await self._listen(addresses))
            except NodeError:
                await self._listen(before)
                raise
            self._wanted = (ALL,) if ALL in wanted else tuple(map(str, addresses))
            await self._facts.set_fact(_FACT, " ".join(self._wanted))
        return await self.view()

    async def outlook(self) -> Outlook:
        """Return what the owner wants, and what has come of it so far."""
        try:
            own = await self._own()
        except NodeError as error:
            return Outlook(self._wanted, self._addresses, (), (error_text(error),), self._sites.problems)
        return Outlook(
            wanted=self._wanted,
            listening=self._addresses,
            available=tuple(address for address in own if may_listen_on(address)),
            problems=tuple(self._problems(own)),
            sites=self._sites.problems,
        )

    async def examined(self) -> Outlook:
        """Return the outlook, with what is found by calling the node as devices of the local network do."""
        found = await self.outlook()
        dates = AuthorityDates(*await asyncio.to_thread(self._certificates.authority_dates))
        if not found.listening:
            return replace(found, look=NetworkLook(authority=dates))
        authority = await asyncio.to_thread(self._certificates.authority)
        site_names = {name for door in self._sites.wanted if door.on_network for name in door.names}
        knocks = [Knock(address, self._port, str(address)) for address in found.listening]
        for address, port in sorted(self._sites.on_network):
            if port == self._trust.where.https_port:
                knocks += [Knock(address, port, name) for name in (str(address), *sorted(site_names))]
        own_names = {name for name in self._names if name.endswith(".local")}
        doors, names = await asyncio.gather(
            call_doors(knocks, authority.certificate_pem().decode()),
            ask_for_names(own_names | site_names, site_names, found.listening),
        )
        return replace(found, look=NetworkLook(doors, names, dates))

    def _problems(self, own: Collection[IPv4Address]) -> Iterator[str]:
        if ALL in self._wanted and not resolve(self._wanted, own):
            yield msg("this host has no address of a local network now")
        for address in self._addresses:
            if address not in own:
                yield msg("{address} is not an address of this host now", address=address)
        for error in self._refused.values():
            yield error_text(error)
        if self._failure and not self._refused:
            yield self._failure
        yield from self._routes.problems

    async def view(self) -> LocalAccessView:
        """Return how it is."""
        await self._opened.wait()
        found = await self.outlook()
        authority = await asyncio.to_thread(self._certificates.authority)
        return LocalAccessView(
            wanted=found.wanted,
            available=tuple(map(str, found.available)),
            listening=tuple(map(str, found.listening)),
            addresses=tuple(f"https://{address}:{self._port}" for address in found.listening),
            names=self._names,
            endpoints=tuple(route.shown for route in self._routes.wanted),
            problems=(*found.problems, *found.sites),
            authority=authority.certificate_pem().decode(),
            fingerprint=authority.fingerprint(),
            valid_until=authority.certificate.not_valid_after_utc,
        )

    @property
    def https_port(self) -> int:
        """Port at which browsers show whether they trust the node."""
        return self._trust.where.https_port

    async def trust(self) -> TrustGuide:
        """Return how devices come to trust the node's authority."""
        await self._opened.wait()
        return await asyncio.to_thread(self._trust.guide, self._addresses)

    async def public_files(self) -> tuple[PublicFile, ...]:
        """Return what anybody may have of the node without a login: what devices need to trust it."""
        return await asyncio.to_thread(self._trust.files)

    async def firewall(self, ssh_port: int | None) -> str:
        """Return the rules of the host's firewall that fit, as a script of nft(8)."""
        await self._opened.wait()
        ways = {(address, self._port) for address in self._addresses}
        ways |= {(route.address, route.port) for route in self._routes.wanted}
        ways |= set(self._sites.on_network)
        return host_ruleset(ways, ssh_port)

    async def renew(self) -> None:
        """Listen where the owner's decision leads by now, by a certificate that is good for a while yet.

        What could not be opened is tried again. Raises `NodeError`.
        """
        async with self._deciding:
            if not self._wanted:
                await self._sites.apply()
                return
            try:
                await self._listen(resolve(self._wanted, await self._own()))
            except NodeError as error:
                self._failure = error_text(error)
                raise

    async def apply_routes(self) -> None:
        """Have the routes to apps be as the apps are; once this returns, they are."""
        await self._opened.wait()
        await self._routes.apply()
        await self._sites.apply()

    async def _listen(self, addresses: tuple[IPv4Address, ...]) -> Mapping[IPv4Address, NodeError]:
        """Listen on these addresses and no others; returns on which that is not possible. Raises `NodeError`."""
        if addresses:
            await asyncio.to_thread(self._load_certificates, addresses)
        context = self._contexts[Trust.AUTHORITY]
        self._refused = {} if self._front is None else await self._front(addresses, self._names, context)
        self._addresses = tuple(address for address in addresses if address not in self._refused)
        self._failure = ""
        await self._routes.move(self._addresses)
        await self._sites.move(self._addresses, await self.public_files() if addresses else ())
        return self._refused

    def _load_certificates(self, addresses: Collection[IPv4Address]) -> None:
        self._certificates.load(self._contexts[Trust.AUTHORITY], self._names, addresses)
        self._certificates.load_lasting(self._contexts[Trust.FIRST_USE])

    async def _own(self) -> tuple[IPv4Address, ...]:
        return await asyncio.to_thread(self._own_addresses)

    async def _follow_host(self) -> None:
        """Listen on the addresses that this host has got; what is missed is found by the next `renew`."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            before = self._addresses
            try:
                await self.renew()
            except NodeError as error:
                structlog.get_logger("network").warning("the local network is not followed", error=str(error))
            if self._addresses != before:
                there = " ".join(map(str, self._addresses)) or msg("loopback alone")
                structlog.get_logger("network").info("this host has other addresses now", listening=there)


def _raise_first(refused: Mapping[IPv4Address, NodeError]) -> None:
    for error in refused.values():
        raise error
