"""Makes Podman look like the desired state: one keeper per app, woken by events and by what its neighbours do."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import structlog

from archipelago.api.health import Health, HealthState, health_view
from archipelago.container.data.disk_watch import DiskWatch
from archipelago.container.data.keeper import VolumeKeeper
from archipelago.container.desired.state import DesiredState
from archipelago.container.health_monitor.monitor import HealthMonitor
from archipelago.container.health_monitor.probe_command import run_probe_command
from archipelago.container.health_monitor.probes import Prober, Watched
from archipelago.container.namespace.client import Namespace
from archipelago.container.networks.bridges import Bridges
from archipelago.container.networks.firewall import Firewall
from archipelago.container.networks.keeper import NetworkKeeper
from archipelago.container.networks.name_server import NameServer
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import PodmanError
from archipelago.container.podman_client.labels import APP, NODE
from archipelago.container.podman_client.models import Resync
from archipelago.container.reconciler.host_share import HostShare
from archipelago.container.reconciler.keeper.app_keeper import AppKeeper
from archipelago.container.reconciler.keeper.container_run import Remembered, run_keys
from archipelago.container.reconciler.keeper.tools import ImageId, Rebuild, Tools
from archipelago.container.reconciler.observer import Observer
from archipelago.container.reconciler.repair_order import RepairOrder
from archipelago.container.reconciler.seen import is_running
from archipelago.container.workload.workload import Workload
from archipelago.errors import NodeError
from archipelago.storage.records.runs import RunRecord
from archipelago.support.broadcast import Signal
from archipelago.support.texts.text import msg

_LOOK_AGAIN = 60.0
"""Everything is compared at least this often, should an event ever be lost."""

_QUIET_ACTIONS = frozenset({"exec", "exec_died", "exec_create", "exec_start", "health_status", "attach"})
"""What Podman reports and no keeper needs to hear of."""

_END_ACTIONS = frozenset({"kill", "stop", "died", "cleanup", "remove"})
"""What Podman reports of a container that ends; of an app that is gone it comes late, and means nothing any more."""

_TOGETHER = 0.05
"""Seconds that an event waits for others: it comes in a group, and keepers that look together share one list."""

_AFTER_A_FAULT = 1.0
_RUNNING = (HealthState.HEALTHY, HealthState.SYNCING, HealthState.UNHEALTHY)

OnHealth = Callable[[Sequence[tuple[str, Health]]], Awaitable[None]]
"""Receives the apps whose health has changed, in order, each with its health."""


class Reconciler:
    """Runs the keepers. `apply` gives it a new desired state; everything else follows."""

    def __init__(
        self,
        client: PodmanClient,
        namespace: Namespace,
        firewall: Firewall,
        volumes: VolumeKeeper,
        node_id: str,
        files_root: str,
        run_root: Path,
        image_id: ImageId,
        rebuild: Rebuild,
        redact: Callable[[str], str],
        on_health: OnHealth,
        share: HostShare | None = None,
    ) -> None:
        self._client = client
        self._node_id = node_id
        self._log = structlog.get_logger("reconciler")
        self._desired = DesiredState()
        self._suspended: frozenset[str] = frozenset()
        self._on_health, self._share = on_health, share or HostShare()
        self._redact = redact
        self._reported: dict[str, tuple[HealthState, str]] = {}
        self._adopted: dict[str, dict[str, Remembered]] = {}
        self._unreported: asyncio.Queue[tuple[str, Health]] = asyncio.Queue()
        self._keepers: dict[str, tuple[AppKeeper, asyncio.Task[None]]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._noticed: dict[str, bool] = {}
        """Apps of which Podman reported an event, and whether of any was more than that a container ends."""
        self._event_came, self._sweep_wanted = asyncio.Event(), asyncio.Event()
        self._networks_left = False
        """Whether networks may be there that nobody needs and a container is on; it goes with that container."""
        self._name_server_wanted = asyncio.Event()
        self.changed = Signal()
        self.observer = Observer(client, node_id)
        self._networks = NetworkKeeper(client, node_id)
        self._names = NameServer(client, namespace, node_id, run_root)
        self._disks = DiskWatch(volumes, self._disk_changed)
        self._answers: dict[str, dict[str, tuple[Watched, Health]]] = {}
        """What probes found last, by app and by the container's name in Podman: it holds the secrets of the probes."""
        self._monitor = HealthMonitor(Prober(namespace, self._execute, redact), self._probed)
        self._tools = Tools(
            client=client,
            namespace=namespace,
            observer=self.observer,
            networks=self._networks,
            volumes=volumes,
            firewall=firewall,
            limits=self._share.limits,
            bridges=Bridges(namespace, run_root),
            monitor=self._monitor,
            files_root=files_root,
            desired=lambda: self._desired,
            health_of=self.health,
            changed=self._app_changed,
            sweep_soon=self._sweep_wanted.set,
            image_id=image_id,
            rebuild=rebuild,
            redact=redact,
        )

    @property
    def desired(self) -> DesiredState:
        """The state that is being worked towards."""
        return self._desired

    async def prepare(self, remembered: Mapping[str, Mapping[str, RunRecord]]) -> None:
        """Clean up after a sudden end of everything; call it before anything is desired.

        `remembered` is what the last life of the daemon knew, by app and container; it counts for runs that go on.
        """
        await self._names.forget_leftovers()
        with contextlib.suppress(PodmanError):  # then nothing is known of them, and they are looked at as new ones
            seen = await self.observer.look()
            for app, known in remembered.items():
                keys = await asyncio.to_thread(run_keys, filter(is_running, seen.of(app).values()))
                self._adopted[app] = {
                    name: Remembered(keys[each.run], health)
                    for name, each in known.items()
                    if each.run in keys and (health := health_view(each)) is not None
                }

    def start(self) -> None:
        """Start to listen to Podman and to keep apps."""
        loops = (
            self._listen,
            self._look_after_events,
            self._resync_regularly,
            self._report,
            self._sweep_when_wanted,
            self._keep_name_server,
            self._watch_disks,
        )
        self._tasks = [asyncio.create_task(self._for_ever(loop)) for loop in loops]

    async def close(self) -> None:
        """Stop all loops; containers stay as they are."""
        tasks = self._tasks + [task for _, task in self._keepers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._monitor.close()

    def apply(self, desired: DesiredState) -> None:
        """Work towards a new desired state, at once."""
        if self._desired.networks - desired.networks:
            self._sweep_wanted.set()
        generation = self._desired.generation + 1
        self._desired = self._share.decide(replace(desired, suspended=self._suspended, generation=generation))
        for app in desired.apps:
            self._keep(app)
        for keeper, _ in self._keepers.values():
            keeper.wake()

    def suspend(self, *, more: Collection[str] = (), less: Collection[str] = ()) -> None:
        """Keep more apps down for a change of their data, or fewer; those that need them run on."""
        self._suspended = self._suspended.union(more).difference(less)
        self.apply(self._desired)

    async def settled(self, apps: Collection[str]) -> None:
        """Return once the keepers of these apps have taken a step towards the newest desired state."""
        generation = self._desired.generation

        def all_have() -> bool:
            keepers = (self._keepers[app][0] for app in apps if app in self._keepers)
            return all(keeper.settled >= generation for keeper in keepers)

        await self.changed.until(all_have)

    def look_again(self, app: str) -> None:
        """Have the keeper of an app look again at once: something that it waits for has changed."""
        self._keep(app).wake()

    def try_again(self, apps: Collection[str]) -> None:
        """Have these apps tried again at once, whatever was found of them before."""
        for app in apps:
            self._keep(app).request_another_try()

    async def restart(self, app: str) -> None:
        """Restart the containers of an app, in order; return when it was carried out."""
        keeper = self._keep(app)
        keeper.request_restart()
        await self.changed.until(lambda: not keeper.restart_pending)

    async def repair(self, app: str, order: RepairOrder) -> None:
        """Stop an app, carry out a repair, and start it; return when it was. Raises `NodeError` or `PodmanError`."""
        await self._keep(app).request_repair(order)

    def health(self, app: str) -> Health:
        """Return the health of an app."""
        if app in self._keepers:
            return self._keepers[app][0].health
        return Health(state=HealthState.STOPPED, reason=msg("not installed"))

    def container_healths(self, app: str) -> dict[str, Health]:
        """Return the health of each container of an app."""
        return dict(self._keepers[app][0].healths) if app in self._keepers else {}

    def probed_runs(self, app: str) -> tuple[Watched, ...]:
        """Return the containers of an app that run and are probed; they hold the secrets of the probes."""
        return self._monitor.watched(app)

    @property
    def networks(self) -> Mapping[IPv4Network, str]:
        """The names of the node's networks by their addresses, as far as they are known."""
        return self._networks.names

    def remember(self, app: str) -> dict[str, RunRecord]:
        """Return what the next life of the daemon needs to know of an app, by container."""
        known = self._keepers[app][0].remember() if app in self._keepers else {}
        return {
            name: RunRecord(each.run, each.health.state.value, each.health.reason, each.health.since)
            for name, each in known.items()
        }

    def is_gone(self, app: str) -> bool:
        """Return whether nothing is left of an app that was removed."""
        return app not in self._keepers

    def is_down(self, app: str) -> bool:
        """Return whether no container of an app runs."""
        return self.health(app).state is HealthState.STOPPED

    def _keep(self, app: str) -> AppKeeper:
        if app not in self._keepers:
            keeper = AppKeeper(app, self._tools, self._adopted.pop(app, {}))
            if keeper.healths:
                self._reported[app] = _news(keeper.health)  # it is on record already
            self._keepers[app] = (keeper, asyncio.create_task(self._run(keeper)))
        return self._keepers[app][0]

    async def _for_ever(self, loop: Callable[[], Awaitable[None]]) -> None:
        """Run a loop again after a mistake of ours: apps must be kept all the same."""
        while True:
            try:
                await loop()
            except Exception:
                self._log.exception("loop failed", loop=loop.__name__)
            await asyncio.sleep(_AFTER_A_FAULT)

    async def _run(self, keeper: AppKeeper) -> None:
        try:
            while not keeper.gone:
                try:
                    await keeper.run()
                except Exception:
                    self._log.exception("keeper failed", app=keeper.app)
                    await asyncio.sleep(_AFTER_A_FAULT)
        finally:
            del self._keepers[keeper.app]
            self._reported.pop(keeper.app, None)
            self._answers.pop(keeper.app, None)
        if keeper.app in self._desired.apps:
            self._keep(keeper.app)
        self._sweep_wanted.set()
        self.changed.notify()

    async def _listen(self) -> None:
        async for event in self._client.stream_events(labels={NODE: self._node_id}):
            if isinstance(event, Resync):
                await self._resync()
            elif event.action not in _QUIET_ACTIONS and (app := event.attributes.get(APP)):
                self._noticed[app] = self._noticed.get(app, False) or event.action not in _END_ACTIONS
                self._event_came.set()

    async def _look_after_events(self) -> None:
        while True:
            await self._event_came.wait()
            await asyncio.sleep(_TOGETHER)
            self._event_came.clear()
            noticed, self._noticed = self._noticed, {}
            for app, more in noticed.items():
                if more or app in self._keepers:
                    self.look_again(app)
            if self._networks_left:
                self._sweep_wanted.set()

    async def _resync(self) -> None:
        """Look at everything, apps that are not installed included: what a crash left behind goes."""
        self._networks.forget()
        self._name_server_wanted.set()
        try:
            seen = await self.observer.look()
            for app in seen.apps:
                self._keep(app)
            self._sweep_wanted.set()
        except PodmanError as error:
            self._log.warning("cannot look at Podman", error=str(error))
        for keeper, _ in self._keepers.values():
            keeper.wake()

    async def _resync_regularly(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_AGAIN)
            await self._resync()

    async def _sweep_when_wanted(self) -> None:
        while True:
            await self._sweep_wanted.wait()
            self._sweep_wanted.clear()
            with contextlib.suppress(PodmanError):  # the next look at everything wants it again
                await self.sweep()

    async def _keep_name_server(self) -> None:
        while True:
            await self._name_server_wanted.wait()
            self._name_server_wanted.clear()
            await self._names.repair()

    async def sweep(self) -> None:
        """Remove the networks that nobody needs. Raises `PodmanError`."""
        self._networks_left = True  # before the look: whatever leaves a network after it wants another sweep
        seen = await self.observer.look()
        self._networks_left = await self._networks.sweep(lambda: self._desired.networks, seen.networks)

    async def _report(self) -> None:
        while True:
            news = [await self._unreported.get()]
            while not self._unreported.empty():
                news.append(self._unreported.get_nowait())
            try:
                await self._on_health(news)
            except NodeError as error:
                apps = sorted({app for app, _ in news})
                self._log.warning("changes of health are not written down", apps=apps, error=str(error))

    def _app_changed(self, app: str) -> None:
        self.changed.notify()
        if app not in self._keepers:
            return
        health = self._keepers[app][0].health
        news = _news(health)
        if self._reported.get(app) == news:
            return
        self._reported[app] = news
        self._unreported.put_nowait((app, health))
        # Any other may wait for its company, to leave a network: see `step.Reattach`.
        for neighbour in tuple(self._keepers) if self._networks_left else self._desired.neighbours(app):
            if neighbour in self._keepers:
                self._keepers[neighbour][0].wake()

    async def _probed(self, watched: Watched, health: Health) -> None:
        if watched.app in self._keepers:
            self._answers.setdefault(watched.app, {})[watched.name] = (watched, health)
            judged = self._disks.judge(watched.app, health)
            self._keepers[watched.app][0].probed(watched.name, watched.container, judged)

    async def _watch_disks(self) -> None:
        def running() -> dict[str, Workload]:
            apps = self._desired.apps
            return {app: found.workload for app, found in apps.items() if self.health(app).state in _RUNNING}

        await self._disks.run(running)

    def _disk_changed(self, app: str) -> None:
        """Judge again what the probes of an app have found."""
        healths = self.container_healths(app)
        for watched, health in tuple(self._answers.get(app, {}).values()):
            known = healths.get(watched.container)
            if known is not None and known.state in _RUNNING:
                judged = self._disks.judge(app, health)
                self._keepers[app][0].probed(watched.name, watched.container, judged)

    async def _execute(self, name: str, command: tuple[str, ...], timeout: float) -> tuple[int, str]:
        return await run_probe_command(self._client, self._redact, name, command, timeout)


def _news(health: Health) -> tuple[HealthState, str]:
    """Return what of a health is worth an event when it changes."""
    return health.state, "" if health.sync is None else f"{health.sync.percent:.0f} %"
