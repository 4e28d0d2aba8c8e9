"""Bounds what a log takes in: a line that is repeated, and all lines together. Pure.

Whoever can make the node complain must not be able to fill a disk by that.
"""

from collections import OrderedDict
from dataclasses import dataclass

_KEYS = 512
"""Most kinds of lines that are kept apart; the one that came longest ago is forgotten first."""


@dataclass(slots=True)
class _Bucket:
    level: float
    since: float
    suppressed: int = 0

    def take(self, burst: int, per_second: float, now: float) -> bool:
        self.level = min(burst, self.level + max(0.0, now - self.since) * per_second)
        self.since = now
        if self.level < 1.0:
            self.suppressed += 1
            return False
        self.level -= 1.0
        return True


class LogLimit:
    """Lets `burst` lines of a kind pass at once and one each `pause` seconds; `burst_of_all` and `pause_of_all` alike.

    Times are seconds of a steady clock.
    """

    def __init__(
        self, *, burst: int = 5, pause: float = 60.0, burst_of_all: int = 200, pause_of_all: float = 1.0
    ) -> None:
        self._burst, self._rate = burst, 1 / pause
        self._burst_of_all, self._rate_of_all = burst_of_all, 1 / pause_of_all
        self._kinds: OrderedDict[str, _Bucket] = OrderedDict()
        self._all = _Bucket(burst_of_all, 0.0)

    def admit(self, kind: str, now: float) -> int | None:
        """Return how many lines of this kind were left out since the last one, or None where this one is left out."""
        bucket = self._kinds.setdefault(kind, _Bucket(self._burst, now))
        self._kinds.move_to_end(kind)
        if len(self._kinds) > _KEYS:
            self._kinds.popitem(last=False)
        if not bucket.take(self._burst, self._rate, now):
            return None
        if not self._all.take(self._burst_of_all, self._rate_of_all, now):
            bucket.suppressed += 1
            return None
        suppressed, bucket.suppressed = bucket.suppressed, 0
        return suppressed
