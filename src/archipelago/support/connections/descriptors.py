"""How the open files of this process are shared out, so that no door can use up those of another."""

import resource
from dataclasses import dataclass

_PLENTY = 16_384
"""Open files beyond which more would serve nothing: what the doors take grows no further."""
_UNIT = 1024
"""The soft limit that Linux gives where nobody asks for more."""
_FEWEST = 4


@dataclass(frozen=True, slots=True)
class Shares:
    """Most connections at each door. What is left is for Podman, the database, files and pipes: 320 of 1,024."""

    unix: int
    """On the node's own socket."""
    loopback: int
    local: int
    """From the local network to the node's page."""
    apps: int
    """From the local network to apps; each takes two files."""
    guarded: int
    """To apps behind the node's login; each takes two files."""
    streams: int
    """WebSockets, and as many logs that are followed, each of which takes a file for each container of its app."""


def raise_limit() -> int:
    """Take as many open files as this process may have, up to a bound; return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _PLENTY if hard == resource.RLIM_INFINITY else min(hard, _PLENTY)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return limit()
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def limit() -> int:
    """Return how many files this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _PLENTY if soft == resource.RLIM_INFINITY else soft


def shares(files: int) -> Shares:
    """Return the shares where so many files may be open."""

    def share(of_a_unit: int, most: int = 512) -> int:
        return min(most, max(_FEWEST, files * of_a_unit // _UNIT))

    return Shares(
        unix=share(64),
        loopback=share(128),
        local=share(128),
        apps=share(96),
        guarded=share(32),
        streams=share(64, 128),
    )
