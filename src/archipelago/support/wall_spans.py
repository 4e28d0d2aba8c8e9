"""Spans of time that are stored by the wall clock, which may be set at any time. Pure: times come from outside."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Span = tuple[float, float]
"""Start and end, in seconds since 1970."""


def remaining(start: float, end: float, now: float) -> float:
    """Return how many seconds are left of a span: 0 when it is over, and never more than its whole length.

    So a clock that is set back does not make it longer than once its length from now; one that is set forward ends it.
    """
    return max(0.0, min(end - now, end - start))


@dataclass(slots=True)
class StoredSpans(Generic[Key]):
    """Measures stored spans by a steady clock from when each was seen first, whatever the wall clock does since."""

    _ends: dict[Key, tuple[Span, float]] = field(default_factory=dict)
    """Each span as it was stored, and when it ends by the steady clock."""

    def left(self, spans: Mapping[Key, Span], now: float, steady: float) -> dict[Key, float]:
        """Return how many seconds are left of each span; those that are not among them are forgotten."""
        known = {key: end for key, end in self._ends.items() if spans.get(key) == end[0]}
        new = {key: (span, steady + remaining(*span, now)) for key, span in spans.items() if key not in known}
        self._ends = known | new
        return {key: max(0.0, end - steady) for key, (_, end) in self._ends.items()}
