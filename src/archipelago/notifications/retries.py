"""When a message is tried again. Pure."""

_FIRST, _LONGEST = 30.0, 3600.0
_MOST = 33
"""Attempts: a bit more than a day."""


def pause(attempts: int) -> float | None:
    """Return the seconds until the next attempt after so many that failed; None when it is given up."""
    if attempts >= _MOST:
        return None
    return float(min(_FIRST * 2.0 ** min(attempts - 1, 20), _LONGEST))
