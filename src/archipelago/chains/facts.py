"""What a chain daemon reports of itself; None for what it does not report. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class ChainPhase(StrEnum):
    """What a chain daemon is at."""

    HEADERS = "headers"
    """It learns which blocks there are, and has checked none yet."""
    BLOCKS = "blocks"
    """It downloads and checks blocks."""
    DONE = "done"
    """It has all blocks that it knows of."""


@dataclass(frozen=True, slots=True)
class BlockFacts:
    """One block."""

    height: int
    time: int
    """When it was made, in seconds since 1970, by the block itself."""
    transactions: int
    weight_share: float | None
    """How full it is, from 0 to 1: the weight of its transactions, by the most that a block may have."""


@dataclass(frozen=True, slots=True)
class PeerFacts:
    """Nodes that it is connected with."""

    inbound: int
    outbound: int
    over_tor: int | None = None


@dataclass(frozen=True, slots=True)
class MempoolFacts:
    """Transactions that wait for a block."""

    transactions: int
    bytes: int
    """As they count in a block."""


@dataclass(frozen=True, slots=True)
class FeeFacts:
    """What a transaction has to pay to be in a block that soon, in the unit that owners of this chain know."""

    unit: str
    next_block: float | None
    hour: float | None
    day: float | None


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """All that it reports."""

    phase: ChainPhase | None = None
    height: int | None = None
    headers: int | None = None
    percent: float | None = None
    tip: str | None = None
    """Which block is its newest one; no other block has this name."""
    blocks: tuple[BlockFacts, ...] = ()
    """The last ones, the newest first; none while it downloads the chain."""
    peers: PeerFacts | None = None
    mempool: MempoolFacts | None = None
    fees: FeeFacts | None = None
    disk_bytes: int | None = None
    """What its blocks take on the disk."""
    pruned: bool | None = None
    """Whether it deletes old blocks."""
