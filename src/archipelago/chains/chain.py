"""What the node knows of a kind of chain daemon: how it is asked for its state, and how its consumers log in. Pure."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from archipelago.chains.facts import ChainFacts


class InterfaceRole(StrEnum):
    """What a consumer may do with an interface whose provider knows its consumers by login."""

    VIEW = "view"
    """See the chain and what waits for a block, and nothing else."""
    MINE = "mine"
    """Get templates of blocks, hand blocks in that were found, and nothing else."""
    BROADCAST = "broadcast"
    """Broadcast what is signed elsewhere, ask whether it would be accepted and which chain it is, and nothing else."""
    READ = "read"
    """See what is public, and broadcast what is signed elsewhere."""
    WALLET = "wallet"
    """Make and use wallets as well."""
    FULL = "full"
    """Everything."""

    @property
    def includes(self) -> frozenset["InterfaceRole"]:
        """The roles whose rights it has, its own among them."""
        return frozenset((self, *_INCLUDED.get(self, ())))


_READING = (InterfaceRole.VIEW, InterfaceRole.BROADCAST)
_INCLUDED: Mapping[InterfaceRole, tuple[InterfaceRole, ...]] = {
    InterfaceRole.READ: _READING,
    InterfaceRole.WALLET: (*_READING, InterfaceRole.READ),
    InterfaceRole.FULL: tuple(InterfaceRole),
}


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """An HTTP request to the RPC port of a chain daemon."""

    headers: Mapping[str, str]
    body: str
    method: str = "POST"
    path: str = "/"


class ChainAnswer(NamedTuple):
    """An HTTP answer of a chain daemon."""

    status: int
    body: str


Conversation = Generator[ProbeRequest, ChainAnswer | None, ChainFacts]
"""Questions to a chain daemon: it yields requests, is sent the answer to each, or None where there is none, and returns
what was learnt. It has an end, whatever is answered, and raises nothing."""


@dataclass(frozen=True, slots=True)
class ChainState:
    """How far a chain daemon is. Raises `ValueError` for numbers that cannot be."""

    chain: str
    """Name of the chain, as the daemon calls it."""
    height: int
    """Blocks that it has checked."""
    headers: int
    """Blocks that it knows of."""
    percent: float
    """Share of the chain that it has checked, from 0 to 100."""
    initial_block_download: bool
    peers: int | None = None
    """Nodes that it is connected with, where it says so."""
    tip_at: int | None = None
    """When its newest block was made, in seconds since 1970, by the block itself."""
    stale: bool = False
    """Whether it has stood still for so long that it cannot be the newest state of the chain."""

    def __post_init__(self) -> None:
        if min(self.height, self.headers, self.peers or 0) < 0 or not 0 <= self.percent <= 100:
            raise ValueError("the answer has numbers that no chain has")


@dataclass(frozen=True, slots=True)
class ChainReading:
    """What an answer of a chain daemon means."""

    state: ChainState | None
    """None while the daemon still loads."""
    reason: str = ""
    """Why the chain is not up to date, in words; empty where it is."""

    @property
    def is_syncing(self) -> bool:
        """Whether the chain is not up to date."""
        return self.state is None or bool(self.reason)


class Chain(Protocol):
    """One kind of chain daemon."""

    @property
    def name(self) -> str:
        """Value of `chain` in a manifest's probe."""

    @property
    def login(self) -> str:
        """Value of `credentials` in a manifest, and name of the template filter that makes a login's line."""

    def probe(self, user: str, password: str) -> ProbeRequest:
        """Return the request that asks the daemon for its state."""

    def read(self, status: int, body: str, now: float) -> ChainReading:
        """Return what the answer to `probe` means; `now` is in seconds since 1970.

        Raises `ValueError`, with a reason for the owner, where the daemon does not work.
        """

    def examine(self, user: str, password: str, before: ChainFacts) -> Conversation:
        """Ask the daemon for facts about itself; `before` is what it reported last, so that nothing is asked twice."""

    def login_line(self, user: str, password: str) -> str:
        """Return the line of the daemon's configuration that lets a user in; the same at each call."""

    def credentials(self, user: str, password: str, role: InterfaceRole) -> Mapping[str, str]:
        """Return what the daemon's configuration needs for one consumer, by the names that templates use.

        The consumer itself needs the user and the password alone.
        """
