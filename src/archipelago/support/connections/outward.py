"""Where the node may connect to on behalf of its owner: never to addresses that only a mistake or an attacker names.

Link-local addresses, among them the metadata services of clouds, are always refused. Loopback is refused unless the
owner names it, since apps and the node itself listen there; a public name that resolves to it is an attack.
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from archipelago.support.texts.text import msg

Address = IPv4Address | IPv6Address
_METADATA = frozenset({ip_address("fd00:ec2::254"), ip_address("100.100.100.200")})
"""Services of clouds that hand out credentials, outside of the link-local ranges (AWS, Alibaba)."""
_NAT64 = IPv6Network("64:ff9b::/96")
_LOCALHOST = "localhost"


class ForbiddenAddress(Exception):
    """The node does not connect there; the text says why."""


def literal(host: str) -> Address | None:
    """Return the address that a host is written as; None for a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def names_loopback(host: str) -> bool:
    """Return whether whoever wrote a host meant loopback."""
    address = literal(host)
    return host.lower().rstrip(".") == _LOCALHOST or (address is not None and _inner(address).is_loopback)


def is_local(host: str) -> bool:
    """Return whether a host is written as loopback or as an address of a private network."""
    address = literal(host)
    return names_loopback(host) or (address is not None and _inner(address).is_private)


def may_connect(address: Address, *, loopback: bool) -> bool:
    """Return whether the node may connect to an address; `loopback`: whether its owner named loopback."""
    inner = _inner(address)
    if inner.is_loopback:
        return loopback
    odd = inner.is_unspecified or inner.is_multicast or inner.is_link_local or inner.is_reserved
    return not odd and inner not in _METADATA


async def permitted(host: str, port: int) -> tuple[Address, ...]:
    """Return the addresses of a host to which the node may connect.

    Raises `ForbiddenAddress` where there are none, and OSError where the host is not found.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    addresses = tuple(dict.fromkeys(ip_address(str(each[4][0]).partition("%")[0]) for each in found))
    loopback = names_loopback(host)
    allowed = tuple(each for each in addresses if may_connect(each, loopback=loopback))
    if not allowed:
        raise ForbiddenAddress(
            msg("{host} is {address}, to which the node does not connect", host=host, address=addresses[0])
        )
    return allowed


def _inner(address: Address) -> Address:
    """Return the IPv4 address within an IPv6 one, where there is one."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
