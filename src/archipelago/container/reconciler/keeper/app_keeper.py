"""Keeps one app as it should be: a task that looks, takes the steps that are possible now, and sleeps until a change.

What to do next is decided by `step.next_step`; here it is carried out.
"""

import asyncio
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass

from archipelago.api.health import Health, HealthState
from archipelago.container.desired.state import DesiredApp, DesiredState, worst
from archipelago.container.podman_client.errors import PodmanError, PodmanUnavailable
from archipelago.container.reconciler import step as steps
from archipelago.container.reconciler.keeper.container_run import Remembered
from archipelago.container.reconciler.keeper.failures import Failures
from archipelago.container.reconciler.keeper.healths import Healths
from archipelago.container.reconciler.keeper.last_resort import end_app
from archipelago.container.reconciler.keeper.repairer import Repairer
from archipelago.container.reconciler.keeper.runs import Runs
from archipelago.container.reconciler.keeper.starter import Starter
from archipelago.container.reconciler.keeper.stopping import stop_container
from archipelago.container.reconciler.keeper.tools import Tools
from archipelago.container.reconciler.observer import Observation
from archipelago.container.reconciler.repair_order import RepairOrder
from archipelago.container.reconciler.seen import Known, Look, Seen, WantedApp, is_running
from archipelago.container.reconciler.step import Why, after, next_step
from archipelago.container.reconciler.wanted import has_company, wanted_app
from archipelago.container.workload.workload import ContainerWorkload
from archipelago.errors import NodeError
from archipelago.storage.layout import app_files
from archipelago.support.texts.text import msg

_STEP_RETRY = 0.5
_STEP_RETRY_LONGEST = 10.0


@dataclass(frozen=True, slots=True)
class _Pass:
    """What stays the same while one pass goes on."""

    state: DesiredState
    desired: DesiredApp | None
    wanted: WantedApp
    seen: Observation
    dependents: tuple[str, ...]
    """Apps that run and cannot do without this one."""
    repair: bool
    """Whether a repair was ordered before."""
    workloads: Mapping[str, ContainerWorkload]
    """The containers that should be there, by their names in Podman."""

    def container(self, name: str) -> tuple[DesiredApp, ContainerWorkload]:
        """Return the app and one container of it, which a step is about."""
        assert self.desired is not None, "steps about single containers are for installed apps"
        return self.desired, self.workloads[name]


class AppKeeper:
    """The reconciliation loop of one app.

    Level-triggered: each step compares what should be with what is, so it does not matter which event woke it, or
    which one was lost. Only this task changes the app's containers.
    """

    def __init__(self, app: str, tools: Tools, adopted: Mapping[str, Remembered]) -> None:
        """`adopted`: what an earlier life of the daemon found of runs that go on, by container."""
        self.app = app
        self._tools = tools
        self._wake = asyncio.Event()
        found = {name: each.health for name, each in adopted.items()}
        self._healths = Healths(app, tools.redact, tools.changed, found)
        self._runs = Runs(app, tools, self._healths, adopted, self.wake)
        self._repairer = Repairer(tools.namespace)
        self._starter = Starter(tools, self._healths, self._runs, self._repairer)
        self._failures = Failures(tools, self._healths, self._runs, self._repairer)
        self._restart_asked = False
        """Whether the owner wants all containers restarted; the next pass sees to it."""
        self._restarts: set[str] = set()
        """Containers that are still to be restarted."""
        self._verdicts_are_old = False
        """Whether the owner wants another try, whatever was found before."""
        self.settled = 0
        """Generation of the desired state that the last finished pass worked towards."""
        self.gone = False
        """Whether the app is not installed and nothing of it is left."""

    def wake(self) -> None:
        """Have the keeper look again, soon."""
        self._wake.set()

    def request_restart(self) -> None:
        """Restart all containers of the app, in order."""
        self._restart_asked = True
        self.request_another_try()

    def request_another_try(self) -> None:
        """Try at once what waits for a later try, and judge by what happens from now on."""
        self._verdicts_are_old = True
        self.wake()

    def remember(self) -> dict[str, Remembered]:
        """Return what the next life of the daemon needs to know of the runs that go on."""
        return self._runs.remember()

    def request_repair(self, order: RepairOrder) -> Awaitable[None]:
        """Have the app stopped, repaired and started; await the answer, which raises what failed."""
        answer = self._repairer.request(order)
        self.wake()
        return answer

    @property
    def restart_pending(self) -> bool:
        """Whether a requested restart has not been carried out."""
        return self._restart_asked or bool(self._restarts)

    @property
    def healths(self) -> Mapping[str, Health]:
        """Health of each container, by its name in the manifest."""
        return self._healths.all

    @property
    def health(self) -> Health:
        """Health of the app."""
        return worst(self._healths.all)

    def probed(self, name: str, container: str, health: Health) -> None:
        """Take in what the health monitor found of a container; `name` is its name in Podman."""
        self._runs.probed(name, health)
        before = self.healths.get(container)
        if before is not None and before.state in (HealthState.STOPPING, HealthState.STOPPED):
            return
        self._healths.put(container, health)
        if before is None or before.state != health.state:
            self.wake()

    async def run(self) -> None:
        """Keep the app until cancelled, or until it is gone."""
        try:
            await self._keep()
        finally:
            self._repairer.give_up(msg("the keeper of {app} was ended", app=self.app))
            self._runs.forget_all()

    async def _keep(self) -> None:
        trouble = 0
        while not self.gone:
            self._wake.clear()
            generation = self._tools.desired().generation
            pause: float | None
            try:
                pause = await self._take_steps()
                trouble = 0
            except (PodmanError, NodeError) as error:
                if not isinstance(error, PodmanError) or not await self._down_without_podman(str(error)):
                    self._healths.report_all(HealthState.FAILED, str(error))
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

    # --- a pass -----------------------------------------------------------------------------------------------------

    async def _take_steps(self) -> float | None:
        """Take the steps that are possible now; return seconds after which to look again, None for no such time."""
        state = self._tools.desired()
        desired = state.apps.get(self.app)
        seen = await self._tools.observer.look()
        wanted = wanted_app(state, self.app, seen.of(self.app))
        dependents = tuple(filter(seen.running, self._stop_first(state)))
        workloads = {each.name: each for each in desired.workload.containers} if desired is not None else {}
        turn = _Pass(state, desired, wanted, seen, dependents, self._repairer.waits, workloads)
        look = Look.at(seen.of(self.app))
        if desired is not None and wanted.obstacle is None and not wanted.problem:
            for name in self._healths.start_over(desired.workload, everywhere=self._verdicts_are_old):
                self._runs.end(name)  # one that runs is probed again
            self._verdicts_are_old = False
            if self._restart_asked:
                self._restart_asked, self._restarts = False, {each.container for each in wanted.containers}
        while True:
            now = time.monotonic()
            step = next_step(self._see(turn, look), wanted, self._healths.policies, now)
            if isinstance(step, steps.Ending):
                return self._end(step, turn, now)
            look = await self._carry_out(step, turn, look)

    def _see(self, turn: _Pass, look: Look) -> Seen:
        containers = turn.wanted.containers
        # What is not there starts anyway.
        self._restarts &= {each.container for each in containers if each.name in look.shown}
        known = {}
        for each in containers:
            health = self.healths.get(each.container)
            known[each.container] = Known(
                health.state if health is not None else None,
                health is not None and health.needs_owner,
                self._healths.waits_for(each.container),
                self._runs.watched(each.name),
            )
        surplus = any(
            each.name in look.shown and set(look.shown[each.name].networks) - each.networks for each in containers
        )
        return Seen(
            look=look,
            known=known,
            providers={gate.provider: self._tools.health_of(gate.provider) for gate in turn.wanted.gates},
            dependents=turn.dependents,
            company=surplus and has_company(turn.seen, turn.state, self.app, self._tools.health_of),
            repair_waits=turn.repair and self._repairer.waits,
            restarts=frozenset(self._restarts),
        )

    def _end(self, step: steps.Ending, turn: _Pass, now: float) -> float | None:
        match step:
            case steps.WaitUntil():
                return max(0.0, step.until - now)
            case steps.Postpone():
                self._healths.report_all(HealthState.STOPPING, step.reason)
            case steps.LeaveAlone():
                self._give_up_restarts()
                self._repairer.give_up(msg("{app} cannot be brought up: {problem}", app=self.app, problem=step.problem))
                self._runs.end_all()
                self._healths.report_problem(self._declared(turn.desired), step.problem)
            case steps.Gone():
                self._healths.forget_all()
                # It may have been installed again meanwhile.
                self.gone = self.app not in self._tools.desired().apps
        return None

    async def _carry_out(self, step: steps.Action, turn: _Pass, look: Look) -> Look:
        """Carry out a step, and return what there is then. Raises `PodmanError` and `NodeError`."""
        match step:
            case steps.TakeDown() | steps.StopContainer():
                return await self._stop(step, turn, look)
            case steps.Rest():
                await self._rest(step.reason, turn.desired)
            case steps.ChangeFiles():
                await self._repair(turn)
            case steps.RemoveContainer():
                await self._remove(step, turn)
            case steps.CreateContainer() | steps.StartContainer() | steps.Reattach():
                return await self._bring_up(step, turn, look)
            case steps.Watch():
                await self._runs.watch(*turn.container(step.name))
            case steps.Confine():
                desired, wanted = turn.container(step.name)
                if (run := self._runs.get(step.name)) is not None:
                    await self._starter.confine(desired, wanted, run.details)
            case _:
                _, wanted = turn.container(step.name)
                found = look.shown.get(step.name)
                await self._failures.note(step, wanted, lost=found is not None and is_running(found))
        return after(look, step)

    # --- down -------------------------------------------------------------------------------------------------------

    async def _stop(self, step: steps.TakeDown | steps.StopContainer, turn: _Pass, look: Look) -> Look:
        found, wanted = look.shown[step.name], turn.workloads.get(step.name)
        running = is_running(found)
        if isinstance(step, steps.TakeDown):
            self._abandon(step.reason)
            self._healths.report_all(HealthState.STOPPING, step.reason)
        elif wanted is not None and running and step.why.is_reported:
            self._healths.report(wanted.container, HealthState.STOPPING, step.why.value)
        run = self._runs.get(found.name)
        self._runs.forget(found.name)
        if running:
            details = None if run is None else run.details
            send = self._tools.namespace.signal  # Podman's own command may be unable to
            declared = None if wanted is None else wanted.stop
            client, observer = self._tools.client, self._tools.observer
            shown = await stop_container(client, observer, self.app, found, details, send, declared)
            look = look.stopped(shown, step.name)
        if isinstance(step, steps.StopContainer) and wanted is not None:
            self._note_stopped(wanted.container, step.why)
        return look

    def _note_stopped(self, container: str, why: Why) -> None:
        if why is Why.UNHEALTHY:
            self._healths.policies[container] = self._healths.policy(container).started()
        if why is Why.RESTART:
            self._restarts.discard(container)
            self._healths.policies.pop(container, None)
            # What comes after it must not take it for what it was.
            self._healths.report(container, HealthState.STARTING)

    async def _remove(self, step: steps.RemoveContainer, turn: _Pass) -> None:
        self._runs.forget(step.name)
        # One that an earlier version made may have data of its app in a volume of the image's.
        await self._tools.client.containers.remove(step.name, force=True, volumes=False)
        if step.outdated and (wanted := turn.workloads.get(step.name)) is not None:
            # What comes after it must not take it for what it was.
            self._healths.report(wanted.container, HealthState.STARTING)

    def _abandon(self, obstacle: str) -> None:
        """Give up what was asked of an app that should not run any longer."""
        self._healths.policies.clear()
        self._give_up_restarts()
        self._repairer.give_up(msg("{app} is not to run: {obstacle}", app=self.app, obstacle=obstacle))

    async def _rest(self, obstacle: str, desired: DesiredApp | None) -> None:
        self._abandon(obstacle)
        self._runs.forget_all()
        await self._tools.namespace.remove(app_files(self._tools.files_root, self.app))
        self._healths.report_stopped(self._declared(desired), obstacle)

    async def _down_without_podman(self, why: str) -> bool:
        """Stop an app that is not wanted, where Podman cannot; return whether that is so."""
        state = self._tools.desired()
        found = state.apps.get(self.app)
        if found is None or state.wanted(self.app):
            return False
        mine = self._tools.observer.last.of(self.app)
        if any(self._tools.health_of(each).state is not HealthState.STOPPED for each in self._stop_first(state)):
            self._healths.report_all(HealthState.STOPPING, msg("waits for the apps that need it"))
            return True
        self._healths.report_all(HealthState.STOPPING, msg("Podman cannot stop it: {why}", why=why))
        await end_app(mine, found.workload.containers, self._tools.namespace.signal)
        self._runs.forget_all()
        self._healths.report_all(HealthState.STOPPED, state.obstacle(self.app) or "")
        return True

    def _stop_first(self, state: DesiredState) -> tuple[str, ...]:
        """Return the apps that stop before this one where it is not to run."""
        return () if self.app in state.suspended else state.mandatory_consumers(self.app)

    def _give_up_restarts(self) -> None:
        self._restart_asked, self._restarts = False, set()

    def _declared(self, desired: DesiredApp | None) -> list[str]:
        """Return the containers of the manifest: of an app with a problem there is no other list."""
        return list(desired.record.package.manifest.containers) if desired is not None else []

    # --- up ---------------------------------------------------------------------------------------------------------

    async def _repair(self, turn: _Pass) -> None:
        # What it failed with is what is repaired.
        self._healths.forget_failures()
        self._give_up_restarts()
        for each in turn.wanted.containers:
            # Before the answer: whoever waits for it looks at what comes after.
            self._healths.report(each.container, HealthState.STARTING)
        await self._repairer.change_files()

    async def _bring_up(self, step: steps.BringUp, turn: _Pass, look: Look) -> Look:
        desired, wanted = turn.container(step.name)
        try:
            match step:
                case steps.CreateContainer():
                    await self._starter.create(desired, wanted)
                case steps.StartContainer():
                    await self._starter.start(desired, wanted, created=step.created)
                case steps.Reattach():
                    await self._starter.reattach(desired, wanted, look.shown[step.name], step)
        except PodmanUnavailable:
            raise  # says nothing about this container
        except (PodmanError, NodeError) as error:
            if isinstance(step, steps.Reattach) and not step.starting:
                raise
            return self._failures.failed_to_start(wanted, error, look)
        return after(look, step)
