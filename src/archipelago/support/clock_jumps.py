"""Notices that the clock of the wall was set."""

import asyncio
import time
from collections.abc import Callable

_LEAST = 1.0
"""Seconds; slewing (adjtime(3)) and the time between two readings are less."""
_EVERY = 5.0


async def clock_set(
    now: Callable[[], float] = time.time,
    steady: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
    every: float = _EVERY,
) -> float:
    """Return by how many seconds the clock was set, ahead or (negative) back, within `every` seconds of that.

    Compared with a clock that never jumps and goes on while the machine sleeps, so waking up is no jump.
    """
    before = now() - steady()
    while True:
        await asyncio.sleep(every)
        jump = now() - steady() - before
        if abs(jump) >= _LEAST:
            return jump
