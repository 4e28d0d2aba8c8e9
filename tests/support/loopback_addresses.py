"""Addresses of loopback that no other test uses.

An answer by UDP goes to any of the sockets that share an address and a port, as responders of multicast DNS do.
"""

import itertools
import random
from ipaddress import IPv4Address

_FIRST, _LAST = IPv4Address("127.64.0.1"), IPv4Address("127.127.255.254")
_addresses = map(IPv4Address, itertools.count(random.randrange(int(_FIRST), int(_LAST) - 1000)))


def own_address() -> IPv4Address:
    """Return one; another one each time."""
    return next(_addresses)
