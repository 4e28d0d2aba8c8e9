"""Points over time, in memory: an hour in steps of ten seconds, a day in steps of five minutes. Pure."""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Generic, TypeVar

from archipelago.api.metrics import MetricsSpan

STEP = 10.0
"""Seconds between two samples."""
_FINE = 360
_TOGETHER = 30
_COARSE = 288

Point = TypeVar("Point")


class Series(Generic[Point]):
    """The last points, one for each step; at most 648."""

    def __init__(self, mean: Callable[[Sequence[Point]], Point]) -> None:
        """`mean` makes the one point of a day out of those of an hour that it stands for."""
        self._mean = mean
        self._fine: deque[Point] = deque(maxlen=_FINE)
        self._coarse: deque[Point] = deque(maxlen=_COARSE)
        self._count = 0

    def add(self, point: Point) -> None:
        """Take the next point."""
        self._fine.append(point)
        self._count += 1
        if self._count % _TOGETHER == 0:
            self._coarse.append(self._mean(tuple(islice(self._fine, len(self._fine) - _TOGETHER, None))))

    @property
    def newest(self) -> Point | None:
        """The last point, if there is one."""
        return self._fine[-1] if self._fine else None

    def of(self, span: MetricsSpan) -> tuple[float, Sequence[Point]]:
        """Return the seconds between two points of a span, and its points, the oldest first."""
        return (STEP, self._fine) if span is MetricsSpan.HOUR else (STEP * _TOGETHER, self._coarse)
