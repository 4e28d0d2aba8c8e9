"""How much each sender, and all together, may ask for in a time. Pure, with bounded memory."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Rates:
    """Leaky buckets by sender (the generic cell rate algorithm)."""

    each: float
    """Units in a second that one sender may ask for in the long run."""
    burst: float
    """Units that one may ask for at once."""
    most: int = 1000
    """Senders that are remembered; a stranger is refused while all of them have asked for more than their rate."""
    _busy_until: dict[bytes, float] = field(default_factory=dict)
    """When the bucket of a sender is empty again."""

    def take(self, sender: bytes, units: float, now: float) -> bool:
        """Count units for a sender, and tell whether he may ask for them; what is refused is not counted."""
        if sender not in self._busy_until and len(self._busy_until) >= self.most:
            self._busy_until = {each: until for each, until in self._busy_until.items() if until > now}
            if len(self._busy_until) >= self.most:
                return False
        busy_until = max(self._busy_until.get(sender, now), now) + units / self.each
        if busy_until - now > self.burst / self.each:
            return False
        self._busy_until[sender] = busy_until
        return True

    def __len__(self) -> int:
        return len(self._busy_until)
