"""What a Lightning node reports of itself; None for what it does not report. Amounts are satoshis. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChannelCounts:
    """Channels, by whether payments go through them."""

    active: int
    inactive: int
    """Open ones whose other node is not connected."""
    pending: int
    """Ones that open or close."""


@dataclass(frozen=True, slots=True)
class ForwardingFees:
    """What a node earned with payments of others that it passed on."""

    day: int
    week: int
    month: int


@dataclass(frozen=True, slots=True)
class LightningFacts:
    """All that it reports."""

    alias: str | None = None
    synced_to_chain: bool | None = None
    synced_to_graph: bool | None = None
    """Whether it knows the other nodes' channels, of which it makes the routes of payments."""
    peers: int | None = None
    channels: ChannelCounts | None = None
    can_send: int | None = None
    """Its part of the active channels, without the reserves that stay in them: the most that it can send."""
    can_receive: int | None = None
    """The other nodes' part, likewise."""
    pending: int | None = None
    """What is in channels that open or close."""
    onchain: int | None = None
    """Confirmed coins of its wallet on the chain."""
    onchain_unconfirmed: int | None = None
    fees: ForwardingFees | None = None
