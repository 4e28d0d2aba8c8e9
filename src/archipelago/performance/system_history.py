"""What the whole host has used, over time. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from archipelago.api.metrics import MetricsSpan
from archipelago.api.system import SystemHistoryView, SystemPoint
from archipelago.performance.series import Series


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
    """What was sampled of the host."""

    def __init__(self) -> None:
        self._last: HostSample | None = None
        self._points: Series[_Point] = Series(_mean)

    def add(self, at: float, found: HostSample) -> None:
        """Take a sample, at a time in seconds of a clock that never jumps."""
        before, self._last = self._last, found
        newest = self._points.newest
        if before is not None and (newest is None or at > newest.at):
            self._points.add(_Point(at, _share(before, found), found.memory_used, found.disk_used))

    def view(self, span: MetricsSpan, epoch: float, memory: int, disk: int) -> SystemHistoryView:
        """Return what is known, the oldest first; `memory` and `disk` are all that the host has.

        `epoch` is when the steady clock stood at zero, in seconds since 1970, by the clock as it is set now.
        """
        step, points = self._points.of(span)
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


def _mean(points: Sequence[_Point]) -> _Point:
    count = len(points)
    return _Point(
        points[-1].at,
        sum(each.cpu for each in points) / count,
        sum(each.memory_used for each in points) // count,
        points[-1].disk_used,
    )
