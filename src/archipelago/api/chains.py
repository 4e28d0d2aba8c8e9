"""What the node says of the chain that an app follows. What the app's program does not report is null."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from archipelago.chains.facts import ChainPhase
from archipelago.support.view import View

Count = Annotated[int, Field(ge=0)]


class ChainBlock(View):
    """One block."""

    height: Count
    time: datetime
    """When it was made, by the block itself."""
    transactions: Count
    weight_share: Annotated[float, Field(ge=0, le=1)] | None = None
    """How full it is, from 0 to 1: the weight of its transactions, by the most that a block may have."""


class ChainPeers(View):
    """Nodes that a program is connected with."""

    inbound: Count
    outbound: Count
    over_tor: Count | None = None
    """How many of them are reached over Tor, or reach it so."""


class ChainMempool(View):
    """Transactions that wait for a block."""

    transactions: Count
    bytes: Count
    """As they count in a block."""


class ChainFees(View):
    """What a transaction has to pay to be in a block that soon; null where there is no estimate."""

    unit: str
    """Such as `sat/vB`."""
    next_block: Annotated[float, Field(ge=0)] | None = None
    hour: Annotated[float, Field(ge=0)] | None = None
    day: Annotated[float, Field(ge=0)] | None = None


class ChainReport(View):
    """The chain that an app follows, as its program reported it at most ten seconds ago."""

    app: str
    at: datetime
    """When it was asked."""
    running: bool
    """Whether it runs, so that it could be asked."""
    phase: ChainPhase | None = None
    height: Count | None = None
    """Blocks that it has checked."""
    headers: Count | None = None
    """Blocks that it knows of."""
    percent: Annotated[float, Field(ge=0, le=100)] | None = None
    """Share of the chain that it has checked, from 0 to 100."""
    blocks_per_hour: Annotated[float, Field(ge=0)] | None = None
    """How fast it catches up, by the last ten minutes; null when it does not, and in the first seconds."""
    percent_per_hour: Annotated[float, Field(ge=0)] | None = None
    seconds_left: Annotated[float, Field(ge=0)] | None = None
    """Estimate of the time to the tip, from the progress seen so far."""
    blocks: tuple[ChainBlock, ...] = ()
    """The last ones, at most six, the newest first; none while it downloads the chain."""
    peers: ChainPeers | None = None
    mempool: ChainMempool | None = None
    fees: ChainFees | None = None
    disk_bytes: Count | None = None
    """What its blocks take on the disk."""
    pruned: bool | None = None
    """Whether it deletes old blocks."""
