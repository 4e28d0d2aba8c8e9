"""Looks at the disk and at memory, and has apps paused before either runs out."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from archipelago.container.data.disk_use import DiskUse
from archipelago.container.desired.state import DesiredState
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.performance import host
from archipelago.performance.resource_manager.pause_order import RankedApp, pause_order
from archipelago.performance.resource_manager.pauses import HostRoom, Pauses
from archipelago.performance.resource_manager.trial_room import TrialEnds
from archipelago.security.audit.chain import NODE, AuditAction, Outcome
from archipelago.storage.records.apps import Desired
from archipelago.storage.records.events import NewEvent
from archipelago.support.forever import repeat_forever

_EVERY = 2.0
"""Seconds between two looks: a disk that takes 100 MB/s loses 200 MB meanwhile."""


def order_of(desired: DesiredState) -> tuple[RankedApp, ...]:
    """Return the apps that their owner wants to run, the first to be paused first."""
    wanted = (found.record for found in desired.apps.values() if found.record.desired is Desired.RUNNING)
    return pause_order({record.app: record.package.manifest for record in wanted}, desired.plan.edges)


def disk_limits(desired: DesiredState) -> dict[str, int]:
    """Return the bytes that the volumes of apps may take, of those that have a limit."""
    return {app: budget.disk for app, budget in desired.budgets.items() if budget.disk is not None}


@dataclass(slots=True)
class ResourceGuard:
    """Looks for as long as the node runs."""

    pauses: Pauses
    reconciler: Reconciler
    disk_use: DiskUse
    root: Path
    """Directory of the data."""
    steady: Callable[[], float]
    """Seconds of a clock that never jumps."""
    record_events: Callable[[tuple[NewEvent, ...]], Awaitable[object]]
    record_audit: Callable[[AuditAction], Awaitable[object]]
    end_trials: Callable[[HostRoom], bool] = lambda _: False
    """Ends the trial runs for which there is no room; returns whether something is left of one that was ended."""
    _trials: TrialEnds = field(default_factory=TrialEnds)
    _written: Mapping[str, str] = field(default_factory=dict)
    """The apps that are paused according to the events, each with the reason."""

    async def run(self) -> None:
        """Look, for ever."""
        await asyncio.sleep(_EVERY)
        log = structlog.get_logger("resources")
        await repeat_forever(self.look, _EVERY, log, "disk and memory are not looked at")

    async def look(self) -> None:
        """Look once, and have apps paused and resumed. Raises `NodeError` or `OSError`.

        Before anything is desired, this decides which apps do not start.
        """
        room = await asyncio.to_thread(host_room, self.root)
        self._trials = self._trials.after(self.steady(), ending=self.end_trials(room))
        if self._trials.come_first(self.steady()):
            return
        desired, level = self.reconciler.desired, self.pauses.disk_level
        order = order_of(desired)
        self.pauses.look(self._trials.forgotten(self.steady(), room), self.steady(), order, self._running())
        self.pauses.look_at_volumes(self.disk_use.latest, disk_limits(desired))
        now = self.pauses.reasons(order)
        if desired.paused != now:
            self.reconciler.apply(self.reconciler.desired)
        if self._written.keys() != now.keys() or level is not self.pauses.disk_level:
            wanted = {each.app for each in order}
            before = {app: why for app, why in self._written.items() if app in wanted}  # others their owner stopped
            self._written = now
            await self._write_down(before, now)

    def _running(self) -> frozenset[str]:
        keepers, seen = self.reconciler, self.reconciler.observer.last
        apps = keepers.desired.apps.keys() | seen.apps.keys()
        return frozenset(
            app for app in apps if (seen.running(app) if keepers.is_gone(app) else not keepers.is_down(app))
        )

    async def _write_down(self, before: Mapping[str, str], now: Mapping[str, str]) -> None:
        changes = [
            *((app, "app-pause", why) for app, why in now.items() if app not in before),
            *((app, "app-resume", why) for app, why in before.items() if app not in now),
        ]
        level = self.pauses.disk_level.name.lower()
        events = [
            NewEvent("app", app, f"{action} {app}: {why}", {"action": action, "app": app})
            for app, action, why in changes
        ]
        for app, action, why in changes:
            done = AuditAction(
                who=NODE, origin="", action=action, subject={"app": app}, outcome=Outcome.DONE, detail=str(why)
            )
            await self.record_audit(done)
        await self.record_events((*events, NewEvent("notice", None, f"disk: {level}", {"disk": level})))


def host_room(root: Path) -> HostRoom:
    """Return what is left of the host, of which `root` is the directory of the data. Blocking."""
    total, free = host.disk(root)
    return HostRoom(total, free, host.memory_pressure())
