"""What the whole host has used: an hour in steps of ten seconds, a day in steps of five minutes, in memory. Pure."""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from archipelago.api.metrics import MetricsSpan
from archipelago.api.system import SystemHistoryView, SystemPoint
from archipelago.performance.metrics import STEP

_FINE = 360
_TOGETHER = 30
_COARSE = 288


@dataclass(frozen=True, slots=True)
class HostSample:
    """What was read of the host at one moment."""

    cpu_busy: float
    """Seconds that its processors have worked, together, since some moment."""
    cpu_all: float
    """Seconds that they could have worked."""
    memory_used: int
    """Bytes, likewise the disk."""
    disk_used: int


@dataclass(frozen=True, slots=True)
class _Point:
    """A step that ended then, by the steady clock."""

    at: float
    cpu: float
    memory_used: int
    disk_used: int


class SystemHistory:
    """What was sampled of the host; at most 648 points."""

    def __init__(self) -> None:
        self._last: HostSample | None = None
        self._fine: deque[_Point] = deque(maxlen=_FINE)
        self._coarse: deque[_Point] = deque(maxlen=_COARSE)
        self._count = 0

    def add(self, at: float, found: HostSample) -> None:
        """Take a sample, at a time in seconds of a clock that never jumps."""
        before, self._last = self._last, found
        if before is None or (self._fine and at <= self._fine[-1].at):
            return
        self._fine.append(_Point(at, _share(before, found), found.memory_used, found.disk_used))
        self._count += 1
        if self._count % _TOGETHER == 0:
            self._coarse.append(_mean(tuple(islice(self._fine, max(len(self._fine) - _TOGETHER, 0), None))))

    def view(self, span: MetricsSpan, epoch: float, memory: int, disk: int) -> SystemHistoryView:
        """Return what is known, the oldest first; `memory` and `disk` are all that the host has.

        `epoch` is when the steady clock stood at zero, in seconds since 1970, by the clock as it is set now.
        """
        points, step = (self._fine, STEP) if span is MetricsSpan.HOUR else (self._coarse, STEP * _TOGETHER)
        return SystemHistoryView(
            step=step,
            memory_total=memory,
            disk_total=disk,
            points=tuple(
                SystemPoint(
                    at=datetime.fromtimestamp(epoch + each.at, UTC),
                    cpu=round(each.cpu, 4),
                    memory_used=each.memory_used,
                    disk_used=each.disk_used,
                )
                for each in points
            ),
        )


def _share(before: HostSample, found: HostSample) -> float:
    spent = found.cpu_all - before.cpu_all
    return min(max((found.cpu_busy - before.cpu_busy) / spent, 0.0), 1.0) if spent > 0 else 0.0


def _mean(points: tuple[_Point, ...]) -> _Point:
    count = len(points)
    return _Point(
        points[-1].at,
        sum(each.cpu for each in points) / count,
        sum(each.memory_used for each in points) // count,
        points[-1].disk_used,
    )
