"""Takes the snapshots that are due by a schedule, and deletes those that retention does not keep."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from archipelago.api.health import HealthState
from archipelago.api.operations import Operation
from archipelago.container.data.snapshots.methods import CopyPlan
from archipelago.container.data.snapshots.retention import NEWEST, Aged, Keep, expired_of_schedule
from archipelago.container.data.snapshots.schedule import is_due, least_apart
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.operations import Operations
from archipelago.container.operations.snapshot_schedules import SnapshotSchedules
from archipelago.errors import NodeError
from archipelago.performance.resource_manager.disk_level import DiskLevel
from archipelago.security.audit.chain import NODE, AuditAction, Outcome
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.operations import OperationState
from archipelago.storage.records.snapshot_schedules import Cadence, ScheduleRecord, ScheduleRecords
from archipelago.storage.records.snapshots import SnapshotKind
from archipelago.support.forever import repeat_forever
from archipelago.support.texts.sizes import size_words
from archipelago.support.texts.text import msg

_SETTLE = 300.0
"""Seconds after the start until the first look: apps come first, and the clock may not be set yet."""
_LOOK = 60.0
_AGAIN = 3600.0
"""Seconds until an app of which none could be taken is tried again."""
_WAIT = 600.0
_RECENT = 20
"""Newest operations that are looked at for one that runs."""
LONG_STOP = 120.0
"""Seconds that a container may take to end, from which on an app does not stop just because of the node's schedule."""

_NO_ROOM = msg("the disk is short: none is taken until there is more room")


@dataclass(slots=True)
class ScheduledSnapshots:
    """Does what is due, one app after the other, while nothing else works on the node."""

    schedules: SnapshotSchedules
    parts: JobParts
    take: Callable[[str, SnapshotKind], Awaitable[Operation]]
    """Opens an operation that takes a snapshot of an app."""
    operations: Operations
    disk_level: Callable[[], DiskLevel]
    steady: Callable[[], float]
    """Seconds of a clock that never jumps, and goes on while the machine sleeps."""
    record_audit: Callable[[AuditAction], Awaitable[object]]
    _not_before: dict[str, float] = field(default_factory=dict)
    """App -> when another one may be taken, by the steady clock."""

    async def run(self) -> None:
        """Look for ever."""
        await asyncio.sleep(_SETTLE)
        log = structlog.get_logger("snapshots")
        await repeat_forever(self.look, _LOOK, log, "scheduled snapshots are not looked after")

    async def look(self) -> None:
        """Do what is due now. Raises `NodeError`."""
        records = await self.parts.state.load_apps()
        if self.disk_level() >= DiskLevel.LITTLE:
            for app in sorted(records):
                self.schedules.obstacles[app] = _NO_ROOM
                await self._thin_out(app, NEWEST, for_room=True)
            return
        for app in [app for app, why in self.schedules.obstacles.items() if why == _NO_ROOM]:
            del self.schedules.obstacles[app]
        schedules = await self.schedules.load()
        for app, record in sorted(records.items()):
            if await self._is_due(app, schedules.of(app)) and not await self._is_busy():
                await self._take(record, schedules)

    async def _is_due(self, app: str, schedule: ScheduleRecord) -> bool:
        if schedule.every is Cadence.OFF or self.steady() < self._not_before.get(app, 0.0):
            return False
        found = [each for each in await self._all(app) if each.kind is SnapshotKind.SCHEDULED]
        # The one that was taken last, whatever its date.
        newest = max(found, key=lambda each: each.number).at if found else None
        return is_due(schedule.every, newest, self.schedules.now(), self.schedules.key(app))

    async def _is_busy(self) -> bool:
        return any(not each.state.ended for each in await self.operations.newest(None, _RECENT))

    async def _take(self, record: AppRecord, schedules: ScheduleRecords) -> None:
        app, schedule = record.app, schedules.of(record.app)
        self._not_before[app] = self.steady() + min(_AGAIN, least_apart(schedule.every))
        self.schedules.obstacles[app] = why = await self._obstacle(record, own=app in schedules.apps)
        if why:
            return
        try:
            operation = await self.take(app, SnapshotKind.SCHEDULED)
        except NodeError as error:
            self.schedules.obstacles[app] = error.message
            return
        while not operation.state.ended:
            operation = await self.operations.wait(operation.id, _WAIT)
        if operation.state is not OperationState.DONE:
            self.schedules.obstacles[app] = operation.error.message if operation.error is not None else ""
            return
        self._not_before[app] = self.steady() + least_apart(schedule.every)
        await self._thin_out(app, Keep(schedule.hourly, schedule.daily, schedule.weekly))

    async def _obstacle(self, record: AppRecord, *, own: bool) -> str:
        """Return why no snapshot of an app is taken now, in words for its owner; empty where nothing is in the way."""
        if record.package.problem:
            return record.package.problem
        health = self.parts.reconciler.health(record.app)
        if health.state is not HealthState.HEALTHY:
            return msg("it is not healthy at the moment; what does not work must not replace what did")
        try:
            plan = await self.parts.way_back.plan(record)
        except NodeError as error:
            return error.message
        return obstacle_of_plan(plan) if own else obstacle_of_stop(record.package.manifest) or obstacle_of_copy(plan)

    async def _thin_out(self, app: str, keep: Keep, *, for_room: bool = False) -> None:
        gone = expired_of_schedule(await self._all(app), keep)
        if not gone:
            return
        try:
            with self.operations.kept_away(app):
                for name in gone:
                    await self.parts.way_back.store.delete(app, name)
        except NodeError:
            return  # something works on it: at the next look
        structlog.get_logger("snapshots").info("scheduled snapshots are deleted", app=app, names=gone, room=for_room)
        if for_room:
            text = f"{len(gone)} scheduled snapshots of {app} are deleted, since the disk is short"
            action = "snapshot-thin-out"
            await self.parts.state.record("app", app, text, {"action": action, "app": app})
            subject = {"app": app, "snapshots": ", ".join(gone)}
            await self.record_audit(
                AuditAction(who=NODE, origin="", action=action, subject=subject, outcome=Outcome.DONE)
            )

    async def _all(self, app: str) -> tuple[Aged, ...]:
        found = await self.parts.way_back.store.list(app)
        return tuple(Aged(name, each.at, each.kind, each.number) for name, each in found.items())


def obstacle_of_stop(manifest: AppManifest) -> str:
    """Return why the schedule of the node does not stop an app; empty where it does. Pure."""
    longest = max((each.stop.grace for each in manifest.containers.values()), default=0.0)
    if longest < LONG_STOP:
        return ""
    return msg(
        "it may take {seconds} s to stop, and must stop for a snapshot; give it a schedule of its own if you want that",
        seconds=f"{longest:.0f}",
    )


def obstacle_of_copy(plan: CopyPlan) -> str:
    """Return why the schedule of the node takes no snapshot by this plan; empty where it does. Pure."""
    if plan.bytes:
        return msg(
            "this disk would have to copy {size} while the app is down; give it a schedule of its own if you want "
            "that, or use a disk with Btrfs or XFS",
            size=size_words(plan.bytes),
        )
    return obstacle_of_plan(plan)


def obstacle_of_plan(plan: CopyPlan) -> str:
    """Return why no schedule takes a snapshot by this plan; empty where it does. Pure."""
    if plan.lost:
        return msg("{volumes} cannot be copied", volumes=", ".join(plan.lost))
    if plan.missing:
        return msg("the disk lacks {missing} for a copy", missing=size_words(plan.missing))
    return ""
