"""Where the owner wants the node to be reached on the local network, and what has come of it."""

from dataclasses import dataclass
from ipaddress import IPv4Address

ALL = "lan"
"""Stands for every private address that this host has, whichever they are at the time."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the owner wants of the local network, and what has come of it."""

    wanted: tuple[str, ...]
    """`lan`, or addresses; empty for loopback alone."""
    listening: tuple[IPv4Address, ...]
    available: tuple[IPv4Address, ...]
    """Addresses of this host on which it may listen."""
    problems: tuple[str, ...]
    sites: tuple[str, ...] = ()
    """Why browsers do not find some apps by their names, on the node or on the network."""
