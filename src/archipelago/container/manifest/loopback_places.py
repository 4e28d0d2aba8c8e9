"""Where apps listen on this host: addresses of loopback to which no name leads. Pure.

Browsers resolve all names below `.localhost` to 127.0.0.1 and ::1, whatever the port, and send there what they keep for
the name. So no app listens there.
"""

import hashlib
from dataclasses import dataclass
from ipaddress import IPv4Address

from archipelago.container.manifest.exposure import LOOPBACK, is_behind_login
from archipelago.container.manifest.model.endpoints import Endpoint

_FIRST = IPv4Address("127.64.0.0")
_ADDRESSES = 1 << 23
"""How many addresses from there on are taken; all of 127.0.0.0/8 is loopback (RFC 1122, 3.2.1.3)."""
_FIRST_PORT, _PORTS = 10_000, 20_000
"""Below those that the kernel gives to connections."""


@dataclass(frozen=True, slots=True, order=True)
class LoopbackPlace:
    """Where an endpoint of an app listens on this host."""

    address: IPv4Address
    port: int

    def __str__(self) -> str:
        """Return it as programs write it."""
        return f"{self.address}:{self.port}"


def place_of(app: str, name: str, endpoint: Endpoint, port: int, seed: str) -> LoopbackPlace:
    """Return where an endpoint listens; `port` is the one that the node has given it, `seed` a secret of the node.

    Programs on the node find what they may use without a login. What is behind the node's login is where only the web
    server in front of it looks: any page in a browser may try ports of loopback, and cannot try them all (2^37).
    """
    if not is_behind_login(endpoint):
        return LoopbackPlace(LOOPBACK, port)
    digest = hashlib.sha256(f"{seed} {app}/{name}".encode()).digest()
    offset, number = (int.from_bytes(part) for part in (digest[:8], digest[8:16]))
    return LoopbackPlace(hidden_address(offset), _FIRST_PORT + number % _PORTS)


def hidden_address(number: int) -> IPv4Address:
    """Return the address of loopback that a number stands for; no page finds it that does not know the number."""
    return _FIRST + number % _ADDRESSES
