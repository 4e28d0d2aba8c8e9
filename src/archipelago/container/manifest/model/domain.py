"""Parts of the manifest about what an app has to do with Bitcoin, Lightning and web5."""

from typing import Literal

from archipelago.container.manifest.model.part import Part
from archipelago.container.manifest.model.scalars import ContainerPath, Key, ShortText


class BitcoinMetadata(Part):
    """What the app has to do with a Bitcoin chain."""

    role: Literal["node", "indexer", "wallet", "explorer", "miner", "other"]
    """Part that the app plays."""
    networks: tuple[Literal["mainnet", "testnet4", "signet", "regtest"], ...] = ("mainnet",)
    """Networks on which it works."""
    network_option: Key | None = None
    """Option that chooses the network."""
    prune_option: Key | None = None
    """Option that has old blocks thrown away: a number of MiB to keep, and 0 for all. It is offered on a full disk."""


class LightningMetadata(Part):
    """What the app has to do with Lightning."""

    role: Literal["node", "wallet", "tool"]
    """Part that the app plays."""
    implementation: ShortText | None = None
    """Lightning implementation, such as `LND` or `Core Lightning`."""
    channel_backup: ContainerPath | None = None
    """Static channel backup (BOLT 2 data loss protection): the only part of the channel state that is backed up."""


class Web5Metadata(Part):
    """What the app has to do with Nostr, DIDs and decentralised web nodes."""

    role: Literal["relay", "dwn", "did", "wallet", "client"]
    """Part that the app plays."""
    nips: tuple[int, ...] = ()
    """Nostr implementation possibilities (NIPs) that it supports."""
