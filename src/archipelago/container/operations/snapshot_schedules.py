"""When snapshots are taken by themselves: what the owner chose, and what comes of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import ValidationError

from archipelago.api.snapshots import SnapshotSchedulesView, SnapshotScheduleView
from archipelago.container.data.snapshots.schedule import next_turn
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.snapshot_schedules import Cadence, ScheduleRecord, ScheduleRecords
from archipelago.storage.stores.state import State
from archipelago.support.texts.text import msg

_FACT = "snapshot-schedules"
"""Fact: `ScheduleRecords`, as JSON."""


@dataclass(slots=True)
class SnapshotSchedules:
    """Remembers the schedules, and answers the methods about them. Raises `NodeError`."""

    state: State
    node: str
    """Id of this node: not all nodes stop their apps at once."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC).astimezone()
    obstacles: dict[str, str] = field(default_factory=dict)
    """App -> why no snapshot was taken at its last turn, as the chore found it."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def load(self) -> ScheduleRecords:
        """Return the schedules; those that another version wrote, and that cannot be read, are off."""
        try:
            return ScheduleRecords.model_validate_json(await self.state.found_fact(_FACT) or "{}")
        except ValidationError:
            return ScheduleRecords()

    async def list(self) -> SnapshotSchedulesView:
        """Return the schedule of the node, and that of each installed app."""
        found, apps = await self.load(), sorted(await self.state.load_apps())
        return SnapshotSchedulesView(node=self._view(None, found), apps=tuple(self._view(app, found) for app in apps))

    async def set(self, app: str | None, schedule: ScheduleRecord | None) -> SnapshotScheduleView:
        """Give an app a schedule, or that of the node; without an app, give the node one."""
        async with self._turn:
            installed = await self.state.load_apps()
            if app is not None and app not in installed:
                raise NodeError(ErrorCode.NOT_INSTALLED, msg("{app} is not installed", app=app))
            before = await self.load()
            kept = {name: each for name, each in before.apps.items() if name in installed}
            found = before.model_copy(update={"apps": kept}).with_app(app, schedule)
            await self.state.set_fact(_FACT, found.model_dump_json())
            if app is None:
                self.obstacles.clear()
            else:
                self.obstacles.pop(app, None)
        return self._view(app, found)

    def key(self, app: str) -> str:
        """Return what spreads the turns of apps and nodes."""
        return f"{self.node}/{app}"

    def _view(self, app: str | None, found: ScheduleRecords) -> SnapshotScheduleView:
        schedule = found.node if app is None else found.of(app)
        on = app is not None and schedule.every is not Cadence.OFF
        return SnapshotScheduleView(
            app=app or "",
            every=schedule.every,
            keep_hourly=schedule.hourly,
            keep_daily=schedule.daily,
            keep_weekly=schedule.weekly,
            own=app in found.apps,
            next=next_turn(schedule.every, self.now(), self.key(app)) if on and app is not None else None,
            obstacle=self.obstacles.get(app, "") if on and app is not None else "",
        )
