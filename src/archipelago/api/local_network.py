"""Where the owner wants the node to be reached on the local network, and what has come of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Self

from archipelago.support.texts.text import Text

ALL = "lan"
"""Stands for every private address that this host has, whichever they are at the time."""


class NameConflict(Text):
    """Says that a name belongs to another machine."""

    @classmethod
    def of(cls, text: str) -> Self:
        """Return a text of `msg` as one that says so."""
        assert isinstance(text, Text)
        return cls(text.key, text.parameters)


class DoorState(StrEnum):
    """What a browser of the local network finds at an address."""

    WELL = "well"
    SILENT = "silent"
    """Nobody answers."""
    EXPIRED = "expired"
    """By the clock of this host, its certificate has ended."""
    NOT_YET = "not-yet"
    """By the clock of this host, its certificate is not valid yet."""
    FOREIGN = "foreign"
    """Who answers has a certificate of somebody else."""
    MISNAMED = "misnamed"
    """The certificate is for other names."""


@dataclass(frozen=True, slots=True)
class DoorReport:
    """What the node found when it called one of its own addresses as a browser does."""

    address: IPv4Address
    port: int
    name: str
    """By which it called; the address itself where it used no name."""
    state: DoorState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NameReport:
    """What devices on one interface hear when they ask for a name by multicast DNS."""

    name: str
    interface: IPv4Address
    """Address of this host there."""
    answers: tuple[IPv4Address, ...]
    announced: bool
    """Whether the node itself announces it."""


@dataclass(frozen=True, slots=True)
class AuthorityDates:
    """How long devices may trust the node's authority."""

    since: datetime
    """When its certificate was made."""
    former: tuple[datetime, datetime] | None = None
    """From when until when the certificate before it is valid, which devices may still have."""


@dataclass(frozen=True, slots=True)
class NetworkLook:
    """What the node found on its local network when it looked."""

    doors: tuple[DoorReport, ...] = ()
    names: tuple[NameReport, ...] = ()
    authority: AuthorityDates | None = None


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
    look: NetworkLook = NetworkLook()
    """What it found when it looked; nothing where nobody asked it to."""
    onions: tuple[str, ...] = ()
    """Why some endpoints are not reached through Tor, though their owner switched that on."""
