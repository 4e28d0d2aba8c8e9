"""When snapshots are taken by themselves, as the owner chose it. Plain values."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field

from archipelago.storage.records.stored import Stored


class Cadence(StrEnum):
    """How often snapshots are taken."""

    OFF = "off"
    HOURLY = "hourly"
    DAILY = "daily"
    """At night."""
    WEEKLY = "weekly"
    """In the night to Sunday."""


class ScheduleRecord(Stored):
    """A schedule, and how many snapshots of it are kept: the newest of each of the last hours, days, weeks with one."""

    every: Cadence = Cadence.OFF
    hourly: int = Field(default=24, ge=0, le=200)
    daily: int = Field(default=7, ge=0, le=200)
    weekly: int = Field(default=4, ge=0, le=200)


class ScheduleRecords(Stored):
    """The schedules of a node."""

    node: ScheduleRecord = ScheduleRecord()
    """Of the apps that have none of their own."""
    apps: Mapping[str, ScheduleRecord] = Field(default={})

    def of(self, app: str) -> ScheduleRecord:
        """Return the schedule of an app."""
        return self.apps.get(app, self.node)

    def with_app(self, app: str | None, schedule: ScheduleRecord | None) -> "ScheduleRecords":
        """Return the schedules with another one for an app (None: the node's); without one it has the node's."""
        if app is None:
            return self.model_copy(update={"node": schedule or ScheduleRecord()})
        others = {name: each for name, each in self.apps.items() if name != app}
        return self.model_copy(update={"apps": {**others, **({app: schedule} if schedule is not None else {})}})
