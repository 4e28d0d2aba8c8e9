"""What the node says of a Lightning node. What its program does not report is null; amounts are satoshis."""

from datetime import datetime

from archipelago.api.chains import Count
from archipelago.support.view import View


class LightningChannels(View):
    """Channels, by whether payments go through them."""

    active: Count
    inactive: Count
    """Open ones whose other node is not connected."""
    pending: Count
    """Ones that open or close."""


class LightningFees(View):
    """What it earned with payments of others that it passed on."""

    day: Count
    week: Count
    month: Count


class LightningReport(View):
    """Channels and coins of a Lightning node, as its program reported them at most ten seconds ago."""

    app: str
    at: datetime
    """When it was asked."""
    running: bool
    """Whether it runs, so that it could be asked."""
    alias: str | None = None
    synced_to_chain: bool | None = None
    synced_to_graph: bool | None = None
    """Whether it knows the other nodes' channels, of which it makes the routes of payments."""
    peers: Count | None = None
    channels: LightningChannels | None = None
    can_send: Count | None = None
    """Its part of the active channels, without the reserves that stay in them: the most that it can send."""
    can_receive: Count | None = None
    """The other nodes' part, likewise."""
    pending: Count | None = None
    """What is in channels that open or close."""
    onchain: Count | None = None
    """Confirmed coins of its wallet on the chain."""
    onchain_unconfirmed: Count | None = None
    fees: LightningFees | None = None
