"""The ways from the local network to endpoints of apps. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address

from archipelago.container.manifest.exposure import address_of, is_open, scheme_of
from archipelago.container.manifest.model.endpoints import Endpoint, Scheme


class Trust(StrEnum):
    """How the clients of an endpoint come to trust the node's certificate."""

    AUTHORITY = "authority"
    """They are told to trust the node's authority, as browsers are."""
    FIRST_USE = "first-use"
    """They keep the certificate that they saw first, as Electrum wallets do, and take none but a self-signed one."""


_TRUST: dict[Scheme | None, Trust] = {
    Scheme.HTTP: Trust.AUTHORITY,
    Scheme.WS: Trust.AUTHORITY,
    Scheme.TCP: Trust.FIRST_USE,
}


@dataclass(frozen=True, slots=True)
class Route:
    """A way in: TCP `port` on `address` leads to the same port of loopback."""

    address: IPv4Address
    port: int
    tls: Trust | None
    """Which certificate is shown; None for an endpoint that is forwarded as it is."""
    shown: str = field(compare=False)
    """As clients write it."""


def app_routes(
    endpoints: Mapping[str, Endpoint],
    ports: Mapping[str, int],
    chosen: Mapping[str, bool],
    addresses: Collection[IPv4Address],
) -> Iterator[Route]:
    """Yield the ways into one app; `ports` and `chosen`, the owner's switches, are by the endpoint's name."""
    for name, endpoint in endpoints.items():
        if is_open(endpoint, chosen.get(name)):
            for address in addresses:
                port = ports.get(name, endpoint.host_port)
                yield Route(address, port, _TRUST.get(scheme_of(endpoint)), address_of(endpoint, address, port))
