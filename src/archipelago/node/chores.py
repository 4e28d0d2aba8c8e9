"""What a node does now and then."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import structlog

from archipelago.container.desired.state import DesiredApp
from archipelago.container.networks.counters import read_totals
from archipelago.container.operations.automatic.chore import AutomaticUpdates
from archipelago.container.operations.backup_schedule import BackupSchedule
from archipelago.container.operations.scheduled_snapshots import ScheduledSnapshots
from archipelago.container.podman_client.errors import PodmanError
from archipelago.container.reconciler.seen import is_running
from archipelago.errors import NodeError
from archipelago.node.build.parts import Parts
from archipelago.performance import host
from archipelago.performance.metrics import Usage
from archipelago.performance.series import STEP
from archipelago.performance.system_history import HostSample

_HOUSEKEEPING = 60.0


def _host_sample(root: Path) -> tuple[HostSample, int]:
    """Return what the host uses now, and the bytes that are free on its disk. Raises `NodeError` or `OSError`."""
    (busy, all_), (total, available), (size, free) = host.processors(), host.memory(), host.disk(root)
    return HostSample(busy, all_, total - available, size - free), free


async def ended(task: asyncio.Task[None]) -> None:
    """End a task, and return once it has ended."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Chores:
    """Runs the chores of a node, each as a task of its own."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._log = structlog.get_logger("node")
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start all chores."""
        apps, storage = self._parts.apps, self._parts.storage
        work = (
            self._keep_house(),
            self._measure(),
            self._follow_downloads(),
            self._parts.guard.run(),
            apps.pruner.run(),
            apps.disk_use.run(),
            apps.snapshots.delete_swept(),
            apps.trials.delete_leftovers(),
            ScheduledSnapshots(
                apps.snapshot_schedules,
                apps.parts,
                lambda app, why: apps.late.snapshots.take(app, why),
                apps.operations,
                lambda: apps.pauses.disk_level,
                storage.clocks.steady,
                storage.audit.record,
            ).run(),
            AutomaticUpdates(
                apps.automatic_updates,
                apps.parts,
                apps.operations,
                apps.parts.backups.targets,
                lambda app, plan: apps.late.orchestrator.update(app, plan),
                lambda: apps.pauses.disk_level,
                storage.clocks.steady,
                storage.node_id,
                storage.audit.record,
            ).run(),
            BackupSchedule(
                apps.parts, lambda: apps.late.backups, apps.operations, storage.clocks.steady, storage.node_id
            ).run(),
        )
        self._tasks = [asyncio.create_task(each) for each in work]

    async def stop(self) -> None:
        """End all chores; safe to call twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep_house(self) -> None:
        storage = self._parts.storage
        while True:
            await asyncio.sleep(_HOUSEKEEPING)
            try:
                await storage.login.note_use()
                await self._parts.local_access.renew()
                await storage.audit.drop_old_refusals()
                await storage.state.prune()  # an app whose health comes and goes writes an event each time
            except NodeError as error:
                self._log.warning("a chore is not done", error=str(error))
            except Exception:  # it is a mistake of ours, and the chores must go on nevertheless
                self._log.exception("a chore is not done")

    async def _follow_downloads(self) -> None:
        """Compile again what depends on whether the first download of a chain goes on; nothing restarts for it."""
        apps = self._parts.apps
        while True:
            await apps.downloads.changed.wait()
            apps.downloads.changed.clear()
            try:
                await apps.parts.changes.apply()
            except NodeError as error:
                self._log.warning("the configuration is not compiled again", error=str(error))

    async def _measure(self) -> None:
        """Sample what apps use, for ever."""
        parts = self._parts
        steady, root = parts.storage.clocks.steady, parts.storage.config.root
        while True:
            apps = parts.apps.reconciler.desired.apps
            try:
                sample, free = await asyncio.to_thread(_host_sample, root)
                parts.history.add(steady(), sample)
                parts.forecast.add(steady(), free)
                found = await self._usage(apps) if apps else {}
                parts.metrics.add(steady(), found, apps)
                await parts.links.sample()
            except (PodmanError, NodeError, OSError) as error:
                self._log.debug("no sample is taken", error=str(error))
            await asyncio.sleep(STEP)

    async def _usage(self, apps: Mapping[str, DesiredApp]) -> dict[str, Usage]:
        names = {each.name: app for app, found in apps.items() for each in found.workload.containers}
        used: dict[str, Usage] = {}
        stats = await self._parts.podman.client.containers.stats()
        seen = self._parts.apps.reconciler.observer.last
        running = {each.name: each.pid for app in apps for each in seen.of(app).values() if is_running(each)}
        exchanged = await asyncio.to_thread(read_totals, running)
        for each in stats:
            if (app := names.get(each.name)) is not None:
                # Of one that has just started, and was not looked at yet, there is nothing to miss.
                received, sent = exchanged.get(each.name, (0, 0))
                used[app] = used.get(app, Usage()) + Usage(
                    each.cpu_nanos, each.memory, each.block_in, each.block_out, received, sent
                )
        return used
