"""How much a chain daemon may keep in memory before it writes to its disk. Pure; all amounts are in MiB.

bitcoind keeps changes of the list of unspent coins in memory (`dbcache`), which makes the first download much faster.
It writes all of them when it stops: a daemon that is killed before that has lost hours, and one that takes more than
its container's limit is killed by the kernel.
"""

from dataclasses import dataclass

_MEMPOOL = 300
"""Transactions that wait for a block, bitcoind's default (`maxmempool`)."""
_ROOM = 1.25
"""What a daemon takes in all, as a multiple of its cache and its mempool."""
_WRITES = 2.0
"""MiB per second that a slow card or a disk writes of a cache: it is many small writes."""
_OF_HOST = 0.75
"""Part of the host's memory beyond which no limit of a container counts."""
_LEAST = 4
"""The least that bitcoind takes."""
_AFTERWARDS = 450
"""What a daemon needs that follows the chain, bitcoind's own default for years."""


@dataclass(frozen=True, slots=True)
class ChainCache:
    """What the template of a chain daemon's configuration is given."""

    most: int
    """More does not fit into the memory, or cannot be written within the stop time."""
    chosen: int
    """What is right in the daemon's present phase."""


def chain_cache(host: int, limit: int, grace: float, *, downloading: bool) -> ChainCache:
    """Return the cache of a daemon.

    `host` is the memory of the host and `limit` that of its container, in bytes, `grace` the seconds that it has to
    stop. While it is `downloading` the chain for the first time, it gets a quarter of the host's memory.
    """
    memory = min(limit, int(_OF_HOST * host)) / 1024**2
    most = max(_LEAST, int(min(memory / _ROOM - _MEMPOOL, _WRITES * grace)))
    share = host // 1024**2 // 4
    return ChainCache(most, max(_LEAST, min(share if downloading else min(_AFTERWARDS, share // 2), most)))
