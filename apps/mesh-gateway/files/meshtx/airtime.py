"""How much one transmitter may send: one frame at a time, and a share of each hour. Pure."""

from collections import deque
from dataclasses import dataclass, field

HOUR = 3600.0


@dataclass(slots=True)
class Airtime:
    """The duty cycle of a transmitter: in no window of time does it send for longer than its share of it."""

    bitrate: float
    """Bits in a second, of the slowest part of the way."""
    share: float = 1.0
    """From 0 (excluded) to 1: 0.1 is what most of Europe allows on 869.5 MHz."""
    window: float = HOUR
    """Seconds."""
    overhead: int = 0
    """Bytes that what carries a frame adds to it."""
    _sent: deque[tuple[float, float]] = field(default_factory=deque)
    """When each frame began, and how long it took, within the last window."""
    _used: float = 0.0
    _free_at: float = 0.0

    def __post_init__(self) -> None:
        if self.bitrate <= 0 or not 0 < self.share <= 1 or self.window <= 0:
            raise ValueError("the bit rate and the share of air time have to be more than 0, and the share at most 1")

    def takes(self, size: int) -> float:
        """Return the seconds for which a frame of so many bytes is on the air."""
        return (size + self.overhead) * 8 / self.bitrate

    def wait(self, size: int, now: float) -> float:
        """Return for how many seconds a frame has to wait; 0 where it may be sent now.

        Raises `ValueError` for a frame that could never be sent.
        """
        needed, budget = self.takes(size), self.share * self.window
        if needed > budget:
            raise ValueError(f"a frame of {size} bytes takes {needed:.0f} s, and {budget:.0f} s are allowed in all")
        self._forget(now)
        wait = max(0.0, self._free_at - now)
        used = self._used
        for began, took in self._sent:
            if used + needed <= budget:
                break
            used -= took
            wait = max(wait, began + took + self.window - now)
        return wait

    def sent(self, size: int, now: float) -> None:
        """Count a frame that is sent now."""
        took = self.takes(size)
        self._sent.append((now, took))
        self._used += took
        self._free_at = now + took

    def _forget(self, now: float) -> None:
        while self._sent and self._sent[0][0] + self._sent[0][1] + self.window <= now:
            self._used = max(0.0, self._used - self._sent.popleft()[1])
        if not self._sent:
            self._used = 0.0  # without what rounding left
