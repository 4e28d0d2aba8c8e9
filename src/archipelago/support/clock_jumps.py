"""Notices that the clock of the wall was set."""

import asyncio
import time
from collections.abc import Callable

_LEAST = 1.0
"""Seconds; slewing (adjtime(3)) and the time between two readings are less."""
_EVERY = 5.0


def since_boot() -> float:
    """Return seconds of a clock that never jumps (CLOCK_BOOTTIME)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


async def clock_set(now: Callable[[], float] = time.time, since: float | None = None, every: float = _EVERY) -> float:
    """Return by how many seconds the clock was set, ahead or (negative) back, within `every` seconds of that.

    `since` is `now() - since_boot()` at the moment from which on a jump counts; without it, that of the call.
    Compared with a clock that never jumps and goes on while the machine sleeps, so waking up is no jump.
    """
    before = now() - since_boot() if since is None else since
    while True:
        await asyncio.sleep(every)
        jump = now() - since_boot() - before
        if abs(jump) >= _LEAST:
            return jump
