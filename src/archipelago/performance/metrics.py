"""What apps have used of the host, over time. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from archipelago.api.metrics import Measure, MetricsPoint, MetricsSpan, MetricsView
from archipelago.container.dependency_resolver.host_facts import ControlGroup
from archipelago.performance.series import Series

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


class _AppUsage:
    """The points of one app."""

    def __init__(self) -> None:
        self._last: tuple[float, Usage] | None = None
        self.points: Series[MetricsPoint] = Series(_mean)

    def add(self, at: float, found: Usage) -> None:
        before, self._last = self._last, (at, found)
        if before is not None and at > before[0]:
            self.points.add(_point(*before, at, found))


class Metrics:
    """What was sampled, by app."""

    def __init__(self) -> None:
        self._apps: dict[str, _AppUsage] = {}

    def add(self, at: float, found: Mapping[str, Usage], installed: Iterable[str]) -> None:
        """Take a sample, at a time in seconds of a clock that never jumps; apps that are not installed are forgotten.

        An app that does not run has used nothing.
        """
        known = set(installed)
        self._apps = {app: used for app, used in self._apps.items() if app in known}
        for app in known:
            self._apps.setdefault(app, _AppUsage()).add(at, found.get(app, Usage()))

    def newest(self) -> dict[str, MetricsPoint]:
        """Return the last point of each app that has one."""
        return {app: point for app, used in self._apps.items() if (point := used.points.newest) is not None}

    def written_in_a_day(self) -> dict[str, int]:
        """Return the bytes that each app wrote to the disk in the last day, as far back as there are samples."""
        found = {}
        for app, used in self._apps.items():
            step, points = used.points.of(MetricsSpan.DAY)
            found[app] = round(step * sum(each.disk_written for each in points))
        return found

    def history(self, app: str, span: MetricsSpan, epoch: float = 0.0) -> MetricsView:
        """Return what is known of an app, the oldest first.

        `epoch` is when the steady clock stood at zero, in seconds since 1970, by the clock as it is set now: it dates
        all points, also those from before it was set.
        """
        step, points = (self._apps.get(app) or _AppUsage()).points.of(span)
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


def _mean(points: Sequence[MetricsPoint]) -> MetricsPoint:
    count = len(points)
    return MetricsPoint(
        at=points[-1].at,
        cpu=sum(each.cpu for each in points) / count,
        memory=sum(each.memory for each in points) // count,
        disk_read=sum(each.disk_read for each in points) / count,
        disk_written=sum(each.disk_written for each in points) / count,
        received=sum(each.received for each in points) / count,
        sent=sum(each.sent for each in points) / count,
    )
