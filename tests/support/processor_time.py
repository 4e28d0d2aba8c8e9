"""Limits of time that say something about the code, and nothing about what else runs on the machine."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

_QUIET = 0.010
"""Seconds of processor time that the yardstick takes on an idle machine."""
_LOOKS = 5
_LONG_LOOK = 30
"""Yardsticks that together take long enough for other programs to get their turns."""


@dataclass(frozen=True, slots=True)
class ProcessorTime:
    """Counts the processor time of this process from the start of a test."""

    began: float = field(default_factory=time.process_time)

    def require_below(self, seconds: float, what: str = "") -> None:
        """Require that no more work has been done than takes so many seconds on an idle machine.

        Processors share caches and their inner units: beside other programs, the same work takes twice its processor
        time. So more is held against a yardstick, which is work of the same kind.
        """
        spent = time.process_time() - self.began
        if spent < seconds:
            return
        slower = max(1.0, *(_yardstick() / _QUIET for _ in range(_LOOKS)))
        assert spent < seconds * slower, f"{what} {spent:.3f} s of processor time, {slower:.1f} times as slow as idle"


def require_soon(took: Sequence[float], seconds: float) -> None:
    """Require that the quickest of some times, of the clock on the wall, is no more than so many on an idle machine.

    What else runs may hold up each of them; so more is held against work that waits for its turns as well.
    """
    if min(took) <= seconds:
        return
    began = time.monotonic()
    for _ in range(_LONG_LOOK):
        _yardstick()
    slower = max(1.0, (time.monotonic() - began) / (_LONG_LOOK * _QUIET))
    assert min(took) <= seconds * slower, f"{took} s, on a machine {slower:.1f} times as slow as an idle one"


def _yardstick() -> float:
    """Return the processor time of some work on texts, lists and mappings."""
    began = time.process_time()
    words = [f"{number % 997}-{number * 7919}" for number in range(4500)]
    found = {word: re.sub(r"(\d)-(\d)", r"\2\1", word) for word in words}
    assert len(sorted(found.values(), reverse=True)) == len(words)
    return time.process_time() - began
