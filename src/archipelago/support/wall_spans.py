"""Spans of time that are stored by the wall clock, which may be set at any time."""


def remaining(start: float, end: float, now: float) -> float:
    """Return how many seconds are left of a span: 0 when it is over, and never more than its whole length.

    So a clock that is set back does not make it longer than once its length from now; one that is set forward ends it.
    """
    return max(0.0, min(end - now, end - start))
