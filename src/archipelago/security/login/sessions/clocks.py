"""The two clocks of a host."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clocks:
    """What time it is, and how much time has passed."""

    now: Callable[[], float]
    """Seconds since 1970, for people and for what is stored; it may jump either way."""
    steady: Callable[[], float]
    """Seconds since some moment, for spans: it never jumps, and goes on while the machine sleeps."""


def host_clocks() -> Clocks:
    """Return the clocks of this host (clock_gettime(2): CLOCK_REALTIME and CLOCK_BOOTTIME)."""
    return Clocks(time.time, lambda: time.clock_gettime(time.CLOCK_BOOTTIME))
