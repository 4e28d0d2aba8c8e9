"""How often somebody may call: a bucket of tokens each, refilled steadily. Pure."""

from collections import OrderedDict
from dataclasses import dataclass

_CALLERS = 1024


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls a second, and how many may come at once."""

    per_second: float
    burst: int


class RateLimit:
    """Counts the calls of each caller; forgets who has not called for longest. Times are seconds of a steady clock."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str, rate: Rate, now: float, count: int = 1) -> float:
        """Count a call, or as many; return 0 when that is allowed, else the seconds until it is."""
        level, since = self._buckets.get(caller, (float(rate.burst), now))
        level = min(rate.burst, level + max(0.0, now - since) * rate.per_second)
        allowed = level >= count
        self._buckets[caller] = (level - count if allowed else level, now)
        self._buckets.move_to_end(caller)
        if len(self._buckets) > _CALLERS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (count - level) / rate.per_second
