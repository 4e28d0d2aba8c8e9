"""How fast a chain is caught up with: the progress of the last minutes. Pure: times come from outside."""

from dataclasses import dataclass

_APART = 20.0
"""Least seconds between two points."""
_WINDOW = 600.0
"""Seconds that are looked back: blocks differ, and what was hours ago says nothing of now."""
_LEAST = 10.0
"""Seconds that a pace needs at least."""
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Point:
    """How far a chain was."""

    at: float
    """Seconds of a steady clock."""
    height: int
    percent: float


@dataclass(frozen=True, slots=True)
class Pace:
    """The progress of one run, its oldest point first; at most 31 points."""

    points: tuple[Point, ...] = ()

    def after(self, point: Point) -> "Pace":
        """Return the pace after one more look; points above a chain that went back do not count."""
        points = tuple(each for each in self.points if point.at - each.at <= _WINDOW and each.height <= point.height)
        if points and point.at - points[-1].at < _APART:
            return Pace(points)
        return Pace((*points, point))

    def per_hour(self, point: Point) -> tuple[float, float] | None:
        """Return blocks and percent per hour until `point`, which is now; None where that is too early to say."""
        if not self.points or (spent := point.at - self.points[0].at) < _LEAST:
            return None
        first = self.points[0]
        blocks, percent = point.height - first.height, point.percent - first.percent
        return max(blocks, 0) * _HOUR / spent, max(percent, 0.0) * _HOUR / spent
