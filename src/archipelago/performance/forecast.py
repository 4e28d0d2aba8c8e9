"""When a disk will be full, from how it has filled until now. Pure."""

from collections import deque

EVERY = 600.0
"""Seconds between two looks."""
_KEPT = 432
_LEAST = 3600.0


class DiskForecast:
    """Free bytes over the last three days, in memory."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=_KEPT)

    def add(self, at: float, free: int) -> None:
        """Note how much was free, at a time in seconds; a look that comes early is left out."""
        if not self._seen or at - self._seen[-1][0] >= EVERY:
            self._seen.append((at, free))

    def seconds_left(self) -> float | None:
        """Return how long it takes until nothing is free, as fast as it went; None where it does not fill.

        The first hour says nothing: apps that are being installed fill a disk for a moment.
        """
        if not self._seen or self._seen[-1][0] - self._seen[0][0] < _LEAST:
            return None
        (begin, before), (end, now) = self._seen[0], self._seen[-1]
        filled = before - now
        return None if filled <= 0 else now * (end - begin) / filled
