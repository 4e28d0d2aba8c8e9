"""Methods about snapshots that are taken by a schedule, which may have older ones deleted."""

from typing import Annotated

from pydantic import Field

from archipelago.api.services.apps import SnapshotScheduleService
from archipelago.api.snapshots import SnapshotSchedulesView, SnapshotScheduleView
from archipelago.rpc.method import Family, Params
from archipelago.rpc.methods.apps.containers import AppParams
from archipelago.storage.records.permissions import Permission
from archipelago.storage.records.snapshot_schedules import Cadence, ScheduleRecord

family = Family()

_Count = Annotated[int, Field(ge=0, le=200)]


class NodeScheduleParams(Params):
    """A schedule."""

    every: Cadence
    """How often a snapshot is taken; the app stops for it, at night unless it is hourly."""
    keep_hourly: _Count = 24
    """Of the last hours that have one, the newest is kept: of how many. The newest of all stays in any case."""
    keep_daily: _Count = 7
    """The same for days."""
    keep_weekly: _Count = 4
    """The same for weeks."""

    @property
    def schedule(self) -> ScheduleRecord:
        """The schedule as it is stored."""
        keep = {"hourly": self.keep_hourly, "daily": self.keep_daily, "weekly": self.keep_weekly}
        return ScheduleRecord(every=self.every, **keep)


class AppScheduleParams(NodeScheduleParams, AppParams):
    """A schedule of an app."""


@family.method(
    "snapshot-schedules", "Return when snapshots are taken by themselves, of each app", permission=Permission.READ
)
async def _list(schedules: SnapshotScheduleService) -> SnapshotSchedulesView:
    return await schedules.list()


@family.method(
    "snapshot-schedule-set",
    "Have snapshots of an app taken by a schedule of its own",
    permission=Permission.MANAGE,
    mutates=True,
    confirms=True,
)
async def _set(schedules: SnapshotScheduleService, params: AppScheduleParams) -> SnapshotScheduleView:
    return await schedules.set(params.app, params.schedule)


@family.method(
    "snapshot-schedule-reset",
    "Have snapshots of an app taken as the node's schedule says",
    permission=Permission.MANAGE,
    mutates=True,
    confirms=True,
)
async def _reset(schedules: SnapshotScheduleService, params: AppParams) -> SnapshotScheduleView:
    return await schedules.set(params.app, None)


@family.method(
    "snapshot-schedule-default",
    "Have snapshots taken of all apps without a schedule of their own that stop for a moment alone",
    permission=Permission.MANAGE,
    mutates=True,
    confirms=True,
)
async def _default(schedules: SnapshotScheduleService, params: NodeScheduleParams) -> SnapshotScheduleView:
    return await schedules.set(None, params.schedule)
