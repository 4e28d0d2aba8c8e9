"""What apps have used of the host: an hour in steps of ten seconds, a day in steps of five minutes, in memory. Pure."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from archipelago.api.metrics import Measure, MetricsPoint, MetricsSpan, MetricsView
from archipelago.container.dependency_resolver.host_facts import ControlGroup

STEP = 10.0
"""Seconds between two samples."""
_FINE = 360
_TOGETHER = 30
_COARSE = 288
_NANOSECONDS = 1e9
_CONTROLLERS = {Measure.CPU: "cpu", Measure.MEMORY: "memory", Measure.DISK: "io"}


@dataclass(frozen=True, slots=True)
class Usage:
    """What an app uses: memory now, and what its containers have used since they started."""

    cpu_nanos: int = 0
    memory: int = 0
    disk_read: int = 0
    disk_written: int = 0
    received: int = 0
    sent: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """Return the sum, for an app with several containers."""
        return Usage(
            self.cpu_nanos + other.cpu_nanos,
            self.memory + other.memory,
            self.disk_read + other.disk_read,
            self.disk_written + other.disk_written,
            self.received + other.received,
            self.sent + other.sent,
        )


class _Series:
    """The points of one app."""

    def __init__(self) -> None:
        self._last: tuple[float, Usage] | None = None
        self.fine: deque[MetricsPoint] = deque(maxlen=_FINE)
        self.coarse: deque[MetricsPoint] = deque(maxlen=_COARSE)
        self._count = 0

    def add(self, at: float, found: Usage) -> None:
        before, self._last = self._last, (at, found)
        if before is None or at <= before[0]:
            return
        self.fine.append(_point(*before, at, found))
        self._count += 1
        if self._count % _TOGETHER == 0:
            self.coarse.append(_mean(islice(self.fine, len(self.fine) - _TOGETHER, None)))


class Metrics:
    """What was sampled, by app."""

    def __init__(self) -> None:
        self._series: dict[str, _Series] = {}

    def add(self, at: float, found: Mapping[str, Usage], installed: Iterable[str]) -> None:
        """Take a sample, at a time in seconds of a clock that never jumps; apps that are not installed are forgotten.

        An app that does not run has used nothing.
        """
        known = set(installed)
        self._series = {app: series for app, series in self._series.items() if app in known}
        for app in known:
            self._series.setdefault(app, _Series()).add(at, found.get(app, Usage()))

    def newest(self) -> dict[str, MetricsPoint]:
        """Return the last point of each app that has one."""
        return {app: series.fine[-1] for app, series in self._series.items() if series.fine}

    def history(self, app: str, span: MetricsSpan, epoch: float = 0.0) -> MetricsView:
        """Return what is known of an app, the oldest first.

        `epoch` is when the steady clock stood at zero, in seconds since 1970, by the clock as it is set now: it dates
        all points, also those from before it was set.
        """
        series = self._series.get(app) or _Series()
        points, step = (series.fine, STEP) if span is MetricsSpan.HOUR else (series.coarse, STEP * _TOGETHER)
        shift = timedelta(seconds=epoch)
        return MetricsView(step=step, points=tuple(each.model_copy(update={"at": each.at + shift}) for each in points))


def not_counted(cgroup: ControlGroup) -> tuple[Measure, ...]:
    """Return what cannot be measured below a control group (cgroup2, "Controllers")."""
    return tuple(measure for measure, controller in _CONTROLLERS.items() if controller not in cgroup.controllers)


def _point(then: float, before: Usage, at: float, found: Usage) -> MetricsPoint:
    seconds = at - then

    def rate(old: int, new: int) -> float:
        # A container that was created again counts from zero.
        return (new - old if new >= old else new) / seconds

    return MetricsPoint(
        at=datetime.fromtimestamp(at, UTC),
        cpu=rate(before.cpu_nanos, found.cpu_nanos) / _NANOSECONDS,
        memory=found.memory,
        disk_read=rate(before.disk_read, found.disk_read),
        disk_written=rate(before.disk_written, found.disk_written),
        received=rate(before.received, found.received),
        sent=rate(before.sent, found.sent),
    )


def _mean(points: Iterable[MetricsPoint]) -> MetricsPoint:
    all_points = tuple(points)
    count = len(all_points)
    return MetricsPoint(
        at=all_points[-1].at,
        cpu=sum(each.cpu for each in all_points) / count,
        memory=sum(each.memory for each in all_points) // count,
        disk_read=sum(each.disk_read for each in all_points) / count,
        disk_written=sum(each.disk_written for each in all_points) / count,
        received=sum(each.received for each in all_points) / count,
        sent=sum(each.sent for each in all_points) / count,
    )
