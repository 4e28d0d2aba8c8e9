"""Keeps one app as it ought to be: a task that looks, takes the next step, and sleeps until something changes."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from archipelago.api.health import Failure, Health, HealthState
from archipelago.container.data.keeper import DataMissing, VolumeKeeper
from archipelago.container.desired.state import DesiredApp, DesiredState, provides, worst
from archipelago.container.health_monitor.monitor import HealthMonitor
from archipelago.container.health_monitor.probes import Watched
from archipelago.container.logs.file import last_lines, make_ready
from archipelago.container.logs.parser import LogText
from archipelago.container.namespace.client import Namespace, Target
from archipelago.container.networks.bridges import Bridges
from archipelago.container.networks.firewall import Firewall
from archipelago.container.networks.keeper import NetworkKeeper
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import (
    NotFound,
    PodmanError,
    PodmanUnavailable,
    PortTaken,
)
from archipelago.container.podman_client.labels import HASH, REPAIR
from archipelago.container.podman_client.models import ContainerDetails, ContainerState, ContainerSummary
from archipelago.container.reconciler.container_run import PATIENCE, Remembered, Run, stop_container
from archipelago.container.reconciler.last_resort import end_app
from archipelago.container.reconciler.observer import Observer, is_running
from archipelago.container.reconciler.repair_order import RepairOrder
from archipelago.container.reconciler.repairer import Repairer
from archipelago.container.reconciler.restart_policy import RestartPolicy
from archipelago.container.reconciler.stopping import stop_order
from archipelago.container.workload.networks import PREFIX
from archipelago.container.workload.workload import ContainerWorkload, Passage, Workload
from archipelago.errors import NodeError
from archipelago.storage.layout import app_files
from archipelago.support.process import process_age

_LOG_LINES = 20
_LOG_LENGTH = 2000
"""Characters that are kept of each."""
_UNHEALTHY_PATIENCE = 30.0
"""Least time that a running but unhealthy container gets to recover by itself."""
_DEATH_POLL = 0.02
_TRIES_WITH_ONE_CONTAINER = 2
"""Failed starts after which a container is created again."""
_STEADY = (HealthState.HEALTHY, HealthState.SYNCING)
_OF_A_RUN = (HealthState.STARTING, HealthState.SYNCING, HealthState.HEALTHY, HealthState.UNHEALTHY)
"""What a probe finds; all else tells of what the daemon was doing."""
_BAD = (HealthState.FAILED, HealthState.BACKING_OFF, HealthState.UNHEALTHY)
_DATA_RETRY = 5.0
"""Seconds between two looks for data that is missing: a disk may be mounted at any time."""
_STEP_RETRY = 0.5
_STEP_RETRY_LONGEST = 10.0


@dataclass(frozen=True, slots=True)
class Tools:
    """What all keepers share."""

    client: PodmanClient
    namespace: Namespace
    observer: Observer
    networks: NetworkKeeper
    volumes: VolumeKeeper
    firewall: Firewall
    bridges: Bridges
    monitor: HealthMonitor
    files_root: str
    desired: Callable[[], DesiredState]
    health_of: Callable[[str], Health]
    changed: Callable[[str], None]
    """Told the app whenever its health or what runs of it changed."""
    sweep_soon: Callable[[], None]
    """Has networks removed that nobody needs."""
    image_id: Callable[[DesiredApp, str], Awaitable[str | None]]
    """Returns the ID of the image of one container; None where it must be brought back."""
    rebuild: Callable[[DesiredApp, str], Awaitable[str]]
    """Brings back the image of one container, and returns its ID."""
    redact: Callable[[str], str]
    """Takes secrets out of what apps write."""


class AppKeeper:
    """The reconciliation loop of one app.

    Level-triggered: each step compares what ought to be with what is, so it does not matter which event woke it, or
    which one was lost. Only this task changes the app's containers.
    """

    def __init__(self, app: str, tools: Tools, adopted: Mapping[str, Remembered]) -> None:
        """`adopted`: what an earlier life of the daemon found of runs that go on, by container."""
        self.app = app
        self._tools = tools
        self._wake = asyncio.Event()
        self._adopted = dict(adopted)
        self._healths: dict[str, Health] = {name: found.health for name, found in adopted.items()}
        self._policies: dict[str, RestartPolicy] = {}
        self._failures: dict[str, Failure] = {}
        self._runs: dict[str, Run] = {}
        """Container name -> the run that is known to be going on."""
        self._repairer = Repairer(tools.namespace)
        self._restarts: set[str] = set()
        """Containers that the owner wants restarted."""
        self._hashes: dict[str, str] = {}
        """Container -> hash of the configuration of which policies and failures tell."""
        self._verdicts_are_old = False
        """Whether the owner wants another try, whatever was found before."""
        self.settled = 0
        """Generation of the desired state that the last finished step worked towards."""
        self.gone = False
        """Whether the app is not installed and nothing of it is left."""

    def wake(self) -> None:
        """Have the keeper look again, soon."""
        self._wake.set()

    def request_restart(self) -> None:
        """Restart all containers of the app, in order."""
        self._restarts = set(self._healths) or {""}
        self.request_another_try()

    def request_another_try(self) -> None:
        """Try at once what waits for a later try, and judge by what happens from now on."""
        self._verdicts_are_old = True
        self.wake()

    def remember(self) -> dict[str, Remembered]:
        """Return what the next life of the daemon needs to know of the runs that go on."""
        names = {run.container: run for run in self._runs.values()}
        return {
            container: Remembered(names[container].key, health)
            for container, health in self._healths.items()
            if container in names and health.state in _OF_A_RUN
        }

    def request_repair(self, order: RepairOrder) -> Awaitable[None]:
        """Have the app stopped, repaired and started; await the answer, which raises what failed."""
        answer = self._repairer.request(order)
        self.wake()
        return answer

    @property
    def restart_pending(self) -> bool:
        """Whether a requested restart has not been carried out."""
        return bool(self._restarts)

    @property
    def healths(self) -> Mapping[str, Health]:
        """Health of each container, by its name in the manifest."""
        return self._healths

    @property
    def health(self) -> Health:
        """Health of the app."""
        return worst(self._healths)

    def probed(self, name: str, container: str, health: Health) -> None:
        """Take in what the health monitor found of a container; `name` is its name in Podman."""
        if (run := self._runs.get(name)) is not None:
            run.note(answers=health.state in (HealthState.HEALTHY, HealthState.SYNCING))
        before = self._healths.get(container)
        if before is not None and before.state in (HealthState.STOPPING, HealthState.STOPPED):
            return
        self._set(container, health)
        if before is None or before.state != health.state:
            self.wake()

    async def run(self) -> None:
        """Keep the app until cancelled, or until it is gone."""
        try:
            await self._keep()
        finally:
            self._repairer.give_up(f"the keeper of {self.app} was ended")
            for name in tuple(self._runs):
                self._forget_run(name)

    async def _keep(self) -> None:
        trouble = 0
        while not self.gone:
            self._wake.clear()
            generation = self._tools.desired().generation
            pause: float | None
            try:
                pause = await self._step()
                trouble = 0
            except (PodmanError, NodeError) as error:
                if not isinstance(error, PodmanError) or not await self._down_without_podman(str(error)):
                    self._set_all(HealthState.FAILED, str(error))
                pause = min(_STEP_RETRY * 2**trouble, _STEP_RETRY_LONGEST)
                trouble += 1
            self.settled = generation
            self._tools.changed(self.app)
            if not self.gone:
                await self._sleep(pause)

    async def _sleep(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _step(self) -> float | None:
        """Take the steps that are possible now; return seconds after which to look again, None for no such time."""
        state = self._tools.desired()
        seen = await self._tools.observer.look()
        mine = seen.of(self.app)
        desired = state.apps.get(self.app)
        if desired is not None and state.wanted(self.app):
            if not desired.problem:
                return await self._up(desired, state, await self._repaired(desired, mine))
            self._leave(desired)
            return None
        waiting_for = [
            edge.consumer for edge in state.dependents(self.app) if not edge.optional and seen.running(edge.consumer)
        ]
        if waiting_for and any(is_running(container) for container in mine.values()):
            self._set_all(HealthState.STOPPING, f"waits until {', '.join(waiting_for)} has stopped")
            return None
        await self._down(desired, mine, state.obstacle(self.app) or "")
        if desired is None:
            await self._clear(mine)
        return None

    def _leave(self, desired: DesiredApp) -> None:
        """Leave an app as it is of which nobody knows how it ought to be."""
        self._restarts.clear()
        self._repairer.give_up(f"{self.app} cannot be brought up: {desired.problem}")
        for name in tuple(self._runs):
            self._end_watch(name)
        reason = self._tools.redact(desired.problem)
        for container in desired.record.package.manifest.containers:
            known = self._healths.get(container)
            if known is None or (known.state, known.reason) != (HealthState.FAILED, reason):
                self._set(container, Health(state=HealthState.FAILED, reason=reason, since=datetime.now(UTC)))

    # --- up ---------------------------------------------------------------------------------------------------------

    async def _up(self, desired: DesiredApp, state: DesiredState, mine: Mapping[str, ContainerSummary]) -> float | None:
        workload = desired.workload
        self._forget_old_verdicts(workload)
        for known in set(self._healths) - {container.container for container in workload.containers}:
            del self._healths[known]
        if "" in self._restarts:
            self._restarts = {container.container for container in workload.containers}
        if await self._leave_behind(workload, mine):
            mine = (await self._tools.observer.look()).of(self.app)
        pauses = []
        for container in workload.containers:
            pause = await self._up_container(desired, container, state, mine.get(container.name))
            if pause is not None:
                pauses.append(pause)
        return min(pauses, default=None)

    async def _leave_behind(self, workload: Workload, mine: Mapping[str, ContainerSummary]) -> bool:
        """Stop what is not to go on as it is, all of it before anything starts again; tell whether there was any."""
        wanted = {container.name: container for container in workload.containers}
        asked = self._restarts
        leaving = [
            found
            for found in stop_order(mine.values())
            if _is_outdated(found, wanted.get(found.name))
            or found.state is ContainerState.STOPPING
            or wanted[found.name].container in asked
        ]
        for found in leaving:
            known = wanted.get(found.name)
            outdated = _is_outdated(found, known)
            if known is not None and is_running(found):
                reason = "is made again" if outdated else "is restarted"
                self._set(known.container, self._health(known, HealthState.STOPPING, reason))
            await self._stop(found)
            if outdated:
                await self._remove(found.name)
            elif known is not None:
                self._policies.pop(known.container, None)
            if known is not None:
                # What comes after it must not take it for what it was.
                self._set(known.container, self._health(known, HealthState.STARTING, ""))
        if self._restarts is asked:  # else another restart was asked for meanwhile
            self._restarts = set()
        return bool(leaving)

    def _forget_old_verdicts(self, workload: Workload) -> None:
        """Forget what happened under another configuration, or before the owner asked for another try."""
        for wanted in workload.containers:
            before = self._hashes.get(wanted.container, wanted.hash)
            self._hashes[wanted.container] = wanted.hash
            if not self._verdicts_are_old and before == wanted.hash:
                continue
            self._policies.pop(wanted.container, None)
            self._failures.pop(wanted.container, None)
            known = self._healths.get(wanted.container)
            if known is not None and known.state in _BAD:
                self._end_watch(wanted.name)  # one that runs is probed again
                self._set(wanted.container, self._health(wanted, HealthState.STARTING, ""))
        self._verdicts_are_old = False

    async def _repaired(
        self, desired: DesiredApp, mine: Mapping[str, ContainerSummary]
    ) -> Mapping[str, ContainerSummary]:
        """Carry out a repair that was asked for, which needs the app down; return the containers that are left."""
        if not self._repairer.waits:
            return mine
        for wanted in desired.workload.containers:
            if (found := mine.get(wanted.name)) is not None and is_running(found):
                self._set(wanted.container, self._health(wanted, HealthState.STOPPING, "is repaired"))
        for found in stop_order(mine.values()):
            await self._stop(found)
            await self._remove(found.name)
        # What it failed with is what is repaired.
        self._policies.clear()
        self._failures.clear()
        self._restarts.clear()
        for wanted in desired.workload.containers:
            # Before the answer: whoever waits for it looks at what comes after.
            self._set(wanted.container, self._health(wanted, HealthState.STARTING, ""))
        await self._repairer.change_files()
        return {}

    async def _up_container(
        self, desired: DesiredApp, wanted: ContainerWorkload, state: DesiredState, found: ContainerSummary | None
    ) -> float | None:
        if found is not None and is_running(found) and found.state is not ContainerState.INITIALIZED:
            return await self._keep_running(desired, wanted, found)
        if found is not None:
            await self._note_death(wanted, found)
        now = time.monotonic()
        policy = self._policies.get(wanted.container, RestartPolicy())
        if policy.retry_at is not None and policy.retry_at > now:
            return policy.retry_at - now
        if (waits := self._waits_for(wanted, state)) is not None:
            self._set(wanted.container, self._health(wanted, HealthState.WAITING, waits))
            self._repairer.delayed()
            return None
        if found is not None and REPAIR in found.labels:
            await self._remove(found.name)  # its further arguments were for one run
            found = None
        try:
            await self._tools.volumes.ensure(desired.workload)
            if found is None:
                await self._create(desired, wanted)
            else:
                await self._reattach(desired, wanted, found)
            await self._start(desired, wanted)
        except PodmanUnavailable:
            raise  # says nothing about this container
        except DataMissing as error:
            health = self._health(wanted, HealthState.FAILED, str(error))
            self._set(wanted.container, health.model_copy(update={"needs_owner": True}))
            self._repairer.delayed()
            return _DATA_RETRY
        except (PodmanError, NodeError) as error:
            if policy.restarts >= _TRIES_WITH_ONE_CONTAINER:
                # What a kill -9 of Podman left of it may be beyond repair; its data lies elsewhere.
                await self._remove(wanted.name)
            return self._failed_to_start(wanted, error)
        return 0.0

    def _waits_for(self, wanted: ContainerWorkload, state: DesiredState) -> str | None:
        for edge in state.providers(self.app):
            if not edge.gates or edge.optional:
                continue
            health = self._tools.health_of(edge.provider)
            if not provides(health, edge.wait):
                detail = f": {health.reason}" if health.reason else ""
                return f"waits for {edge.provider}, which is {health.state}{detail}"
        for sibling in wanted.after:
            health = self._healths.get(sibling, Health(state=HealthState.STARTING))
            if health.state is not HealthState.HEALTHY:
                return f"waits for its container {sibling}, which is {health.state}"
        return None

    async def _create(self, desired: DesiredApp, wanted: ContainerWorkload) -> None:
        await self._tools.networks.ensure(desired.workload.networks)
        await self._write_files(wanted)
        spec = self._tools.networks.attach(wanted)
        image = await self._tools.image_id(desired, wanted.container)
        if image is None:
            self._set(wanted.container, self._health(wanted, HealthState.STARTING, "its image is made again"))
            image = await self._tools.rebuild(desired, wanted.container)
        # By its ID: another image may be given the name meanwhile.
        await self._tools.client.containers.create(self._repairer.once(wanted.container, replace(spec, image=image)))

    async def _start(self, desired: DesiredApp, wanted: ContainerWorkload) -> None:
        self._set(wanted.container, self._health(wanted, HealthState.STARTING, ""))
        # Written at each start: they lie on a tmpfs, which is empty after a reboot.
        await self._write_files(wanted)
        await asyncio.to_thread(make_ready, wanted.log, wanted.spec.log_max_size)
        self._tools.firewall.forget(wanted.name)
        try:
            await self._tools.client.containers.init(wanted.name, ports=wanted.spec.ports)
            details = await self._tools.client.containers.inspect(wanted.name)
            await self._guard(desired, wanted, details)
            await self._tools.client.containers.start(wanted.name)
        except NotFound:
            self._tools.networks.forget()
            raise
        self._repairer.started(wanted.container)
        if (policy := self._policies.get(wanted.container)) is not None:
            self._policies[wanted.container] = policy.started()

    async def _open(self, passages: Iterable[Passage]) -> None:
        for passage in passages:
            await self._tools.namespace.passage(passage.path, passage.gid)

    async def _write_files(self, wanted: ContainerWorkload) -> None:
        await self._open(wanted.passages)
        for file in wanted.files:
            await self._tools.namespace.file(
                str(file.path), file.content.reveal(), uid=file.uid, gid=file.gid, mode=file.mode
            )

    async def _keep_running(
        self, desired: DesiredApp, wanted: ContainerWorkload, found: ContainerSummary
    ) -> float | None:
        run = self._runs.get(wanted.name)
        known = self._healths.get(wanted.container)
        # What failed was a step, and the container went on: its probe has nothing new to report.
        stale = known is not None and known.state is HealthState.FAILED
        if run is None or not run.is_of(found) or stale:
            run = await self._begin_watch(desired, wanted)
        await self._guard(desired, wanted, run.details)
        await self._reattach(desired, wanted, found)
        if run.over_since is None:
            return await self._mind_unhealthy(wanted, found)
        if time.monotonic() - run.over_since < PATIENCE:
            return _DEATH_POLL  # Podman is about to notice
        await self._note_death(wanted, found)
        await self._stop(found)
        await self._remove(found.name)
        return 0.0

    async def _begin_watch(self, desired: DesiredApp, wanted: ContainerWorkload) -> Run:
        """Begin to watch a run that was not known: one that we started, or one from an earlier life of the daemon."""
        self._end_watch(wanted.name)
        details = await self._tools.client.containers.inspect(wanted.name)
        # By the kernel: a clock that was set since the start changes nothing.
        age = await asyncio.to_thread(process_age, details.pid)
        run = self._runs[wanted.name] = Run(details, wanted.container, age or 0.0, self.wake)
        known = self._adopted.pop(wanted.container, None)
        goes_on = known is not None and known.run == run.key and self._healths.get(wanted.container) == known.health
        if not goes_on:
            self._set(wanted.container, self._health(wanted, HealthState.STARTING, ""))
        # Its own network, which it never leaves.
        own = details.networks.get(f"{PREFIX}{self.app}")
        target = Target(details.pid, str(own.ip) if own is not None and own.ip is not None else "127.0.0.1")
        watched = Watched(self.app, wanted.container, wanted.name, target, wanted.health, dict(desired.probe_secrets))
        self._tools.monitor.watch(watched, run.age, self._healths[wanted.container])
        return run

    async def _guard(self, desired: DesiredApp, wanted: ContainerWorkload, details: ContainerDetails) -> None:
        """Let the container reach what it declared, before it is on a network where it could reach more."""
        await self._tools.bridges.announce_changes()
        subnets = await self._tools.networks.subnets(desired.workload.networks)
        others = self._tools.networks.all_subnets
        await self._tools.firewall.guard(wanted.name, details.id, details.pid, wanted.reach, subnets, others)

    async def _reattach(self, desired: DesiredApp, wanted: ContainerWorkload, found: ContainerSummary) -> None:
        async def may_leave() -> bool:
            return not is_running(found) or await self._has_company()

        if await self._tools.networks.reattach(desired.workload.networks, wanted, found, may_leave):
            self._tools.sweep_soon()

    async def _has_company(self) -> bool:
        """Tell whether another app runs that is about to go on running as it does."""
        seen, state = await self._tools.observer.look(), self._tools.desired()
        steady = (
            (seen.of(app).get(container.name), container)
            for app, other in state.apps.items()
            if app != self.app and state.wanted(app) and self._tools.health_of(app).state in _STEADY
            for container in other.workload.containers
        )
        return any(
            found is not None and is_running(found) and container.is_made_of(found.labels.get(HASH))
            for found, container in steady
        )

    def _forget_run(self, name: str) -> None:
        self._tools.firewall.forget(name)
        self._end_watch(name)

    def _end_watch(self, name: str) -> None:
        self._tools.monitor.unwatch(name)
        if (run := self._runs.pop(name, None)) is not None:
            run.close()

    async def _mind_unhealthy(self, wanted: ContainerWorkload, found: ContainerSummary) -> float | None:
        """Restart a container that runs but has not answered for long; each time more patiently."""
        health = self._healths.get(wanted.container)
        policy = self._policies.get(wanted.container, RestartPolicy())
        if health is not None and health.needs_owner:
            return None
        if health is None or health.state is not HealthState.UNHEALTHY:
            if policy.retry_at is not None:
                self._policies[wanted.container] = policy.started()
            return None
        now = time.monotonic()
        if policy.retry_at is None:
            await self._note_failure(wanted, health.reason, None)
            policy = policy.failed(now, self._runs[wanted.name].healthy_for, _spread())
            due = max(policy.retry_at or now, now + _UNHEALTHY_PATIENCE)
            self._policies[wanted.container] = RestartPolicy(policy.restarts, due)
            return due - now
        if policy.retry_at > now:
            return policy.retry_at - now
        await self._stop(found)
        self._policies[wanted.container] = policy.started()
        return 0.0

    # --- failures ---------------------------------------------------------------------------------------------------

    async def _note_death(self, wanted: ContainerWorkload, found: ContainerSummary) -> None:
        """Take note of a container that ended without being told to."""
        run = self._runs.get(wanted.name)
        if run is None:
            return
        self._forget_run(wanted.name)
        policy = self._policies.get(wanted.container, RestartPolicy())
        policy = policy.failed(time.monotonic(), run.healthy_for, _spread())
        self._policies[wanted.container] = policy
        details = await self._tools.client.containers.inspect(found.name)
        ran_for = run.age
        reason = f"ended with exit code {details.exit_code} after {ran_for:.0f} s"
        if is_running(found):
            reason = f"its monitor (conmon) was killed after {ran_for:.0f} s"
        if details.oom_killed:
            reason = f"ran out of memory (its limit is {wanted.spec.limits.memory} bytes) after {ran_for:.0f} s"
        await self._note_failure(wanted, reason, details.exit_code)
        self._set(wanted.container, self._health(wanted, HealthState.BACKING_OFF, reason))

    async def _note_failure(self, wanted: ContainerWorkload, reason: str, exit_code: int | None) -> None:
        lines: list[LogText] = []
        with contextlib.suppress(NodeError):
            lines = await asyncio.to_thread(last_lines, wanted.log, self._tools.redact, _LOG_LINES)
        logs = tuple(line.text[:_LOG_LENGTH] for line in lines)
        reason = self._tools.redact(reason)
        self._failures[wanted.container] = Failure(at=datetime.now(UTC), reason=reason, exit_code=exit_code, logs=logs)

    def _failed_to_start(self, wanted: ContainerWorkload, error: PodmanError | NodeError) -> float:
        reason = self._tools.redact(str(error))
        self._repairer.delayed()
        if isinstance(error, PortTaken):
            reason = f"port {error.port} of this host is taken by another program"
        now = time.monotonic()
        policy = self._policies.get(wanted.container, RestartPolicy())
        policy = policy.failed(now, 0.0, _spread())
        self._policies[wanted.container] = policy
        self._failures[wanted.container] = Failure(at=datetime.now(UTC), reason=reason)
        self._set(wanted.container, self._health(wanted, HealthState.FAILED, reason))
        return (policy.retry_at or now) - now

    # --- down -------------------------------------------------------------------------------------------------------

    async def _down(self, desired: DesiredApp | None, mine: Mapping[str, ContainerSummary], reason: str) -> None:
        known = {container.name: container for container in desired.workload.containers} if desired else {}
        self._policies.clear()
        self._restarts.clear()
        self._repairer.give_up(f"{self.app} is not to run: {reason or 'it was removed'}")
        if any(is_running(container) for container in mine.values()):
            self._set_all(HealthState.STOPPING, reason)
        for found in stop_order(mine.values()):
            await self._stop(found)
            if desired is not None and (wanted := known.get(found.name)) is not None:
                await self._reattach(desired, wanted, found)
        for name in tuple(self._runs):
            self._forget_run(name)
        await self._tools.namespace.remove(app_files(self._tools.files_root, self.app))
        declared = list(desired.record.package.manifest.containers) if desired else []
        for container in declared or list(self._healths):
            self._healths.pop(container, None)
            self._set(container, Health(state=HealthState.STOPPED, reason=reason, since=datetime.now(UTC)))

    async def _down_without_podman(self, why: str) -> bool:
        """Stop an app that is not wanted, where Podman cannot; return whether that is so."""
        state = self._tools.desired()
        found = state.apps.get(self.app)
        if found is None or state.wanted(self.app):
            return False
        mine = self._tools.observer.last.of(self.app)
        consumers = {edge.consumer for edge in state.dependents(self.app) if not edge.optional}
        if any(self._tools.health_of(consumer).state is not HealthState.STOPPED for consumer in consumers):
            self._set_all(HealthState.STOPPING, "waits for the apps that need it")
            return True
        self._set_all(HealthState.STOPPING, f"Podman cannot stop it: {why}")
        await end_app(mine, found.workload.containers, self._tools.namespace.signal)
        for name in tuple(self._runs):
            self._forget_run(name)
        self._set_all(HealthState.STOPPED, state.obstacle(self.app) or "")
        return True

    async def _clear(self, mine: Mapping[str, ContainerSummary]) -> None:
        """Remove what is left of an app that is no longer installed."""
        for name in mine:
            await self._remove(name)
        self._healths.clear()
        # It may have been installed again meanwhile.
        self.gone = self.app not in self._tools.desired().apps

    async def _stop(self, found: ContainerSummary) -> None:
        self._forget_run(found.name)
        send = self._tools.namespace.signal  # Podman's own command may be unable to
        await stop_container(self._tools.client, self._tools.observer, self.app, found, send)

    async def _remove(self, name: str) -> None:
        # One that an earlier version made may have data of its app in a volume of the image's.
        await self._tools.client.containers.remove(name, force=True, volumes=False)

    # --- health -----------------------------------------------------------------------------------------------------

    def _health(self, wanted: ContainerWorkload, state: HealthState, reason: str) -> Health:
        policy = self._policies.get(wanted.container, RestartPolicy())
        retry_at = None
        if policy.retry_at is not None:
            retry_at = datetime.now(UTC) + timedelta(seconds=max(0.0, policy.retry_at - time.monotonic()))
        before = self._healths.get(wanted.container)
        same = before is not None and before.state == state
        return Health(
            state=state,
            reason=reason,
            since=before.since if same and before is not None else datetime.now(UTC),
            retry_at=retry_at,
        )

    def _set_all(self, state: HealthState, reason: str) -> None:
        for container, health in list(self._healths.items()):
            if health.state not in (HealthState.STOPPED, state):
                self._set(container, Health(state=state, reason=reason, since=datetime.now(UTC)))

    def _set(self, container: str, health: Health) -> None:
        policy = self._policies.get(container)
        health = health.model_copy(
            update={
                # What an app answers to a probe, and what Podman says of it, may quote a secret.
                "reason": self._tools.redact(health.reason),
                "restarts": policy.restarts if policy else 0,
                "failure": self._failures.get(container),
            }
        )
        if self._healths.get(container) != health:
            self._healths[container] = health
            self._tools.changed(self.app)


def _is_outdated(found: ContainerSummary, wanted: ContainerWorkload | None) -> bool:
    """Tell whether a container has to be made again, or is not wanted any more."""
    if wanted is None or found.state is ContainerState.REMOVING:
        return True
    return not wanted.is_made_of(found.labels.get(HASH))


def _spread() -> float:
    return random.random()  # noqa: S311 - spreads restarts, no secret
