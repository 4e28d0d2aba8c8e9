"""The routes from the local network to endpoints of apps. Pure.

To what is behind the node's login there is none: a browser gets there by the door of a site alone, at which it is asked
who it is.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address

from archipelago.container.manifest.exposure import address_of, is_behind_login, is_open, scheme_of
from archipelago.container.manifest.model.endpoints import Endpoint, Scheme


class Trust(StrEnum):
    """How the clients of an endpoint come to trust the node's certificate."""

    AUTHORITY = "authority"
    """Their users have them trust the node's authority, as browsers are."""
    FIRST_USE = "first-use"
    """They keep the certificate that they saw first, as Electrum wallets do, and take none but a self-signed one."""


_TRUST: dict[Scheme | None, Trust] = {
    Scheme.HTTP: Trust.AUTHORITY,
    Scheme.WS: Trust.AUTHORITY,
    Scheme.TCP: Trust.FIRST_USE,
}


@dataclass(frozen=True, slots=True)
class Route:
    """TCP connections to `port` on `address` are forwarded to the same port of loopback."""

    address: IPv4Address
    port: int
    tls: Trust | None
    """Which certificate is shown; None for an endpoint that is forwarded as it is."""
    shown: str = field(compare=False)
    """As clients write it."""


@dataclass(frozen=True, slots=True)
class AppEndpoints:
    """What routes to one app depend on; all by the endpoint's name."""

    endpoints: Mapping[str, Endpoint]
    ports: Mapping[str, int]
    """Ports of loopback; the manifest's own where one is left out."""
    chosen: Mapping[str, bool]
    """The owner's switches."""
    onions: Mapping[str, str] = field(default_factory=dict)
    """Who reaches them through Tor, as the owner said (`OnionAccess`)."""


def routes(desired: Iterable[AppEndpoints], addresses: Collection[IPv4Address]) -> tuple[Route, ...]:
    """Return the routes to apps that should run, from these addresses of the node; by address, then by port."""
    found = {route for app in desired for route in _app_routes(app, addresses)}
    return tuple(sorted(found, key=lambda route: (route.address, route.port, route.tls or "")))


def _app_routes(app: AppEndpoints, addresses: Collection[IPv4Address]) -> Iterator[Route]:
    for name, endpoint in app.endpoints.items():
        if is_open(endpoint, app.chosen.get(name)) and not is_behind_login(endpoint):
            for address in addresses:
                port = app.ports.get(name, endpoint.host_port)
                yield Route(address, port, _TRUST.get(scheme_of(endpoint)), address_of(endpoint, address, port))
