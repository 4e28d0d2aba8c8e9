"""A keeper and a Podman in memory: steps change them at once, and time passes only where a test says so."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from archipelago.api.health import Health, HealthState
from archipelago.container.podman_client.labels import HASH, PLACE, REPAIR
from archipelago.container.podman_client.models import ContainerState, ContainerSummary
from archipelago.container.reconciler.restart_policy import RestartPolicy
from archipelago.container.reconciler.seen import (
    Known,
    Look,
    Seen,
    WantedApp,
    WantedContainer,
    WatchedRun,
    is_running,
)
from archipelago.container.reconciler.step import (
    Action,
    Await,
    ChangeFiles,
    Confine,
    CreateContainer,
    Ending,
    NoteDeath,
    NoteRecovery,
    NoteUnhealthy,
    Reattach,
    RemoveContainer,
    Rest,
    StartContainer,
    Step,
    StopContainer,
    TakeDown,
    WaitUntil,
    Watch,
    Why,
    after,
    next_step,
)

STEPS_PER_CONTAINER = 12
"""More than a pass can need for one."""
PASSES = 40
"""More than any state of a few containers needs to come to rest while no time passes."""
_HALF = 0.5


def summary(name: str, state: ContainerState, **more: object) -> ContainerSummary:
    """Return a container as Podman lists it."""
    found = ContainerSummary(
        id=f"id-{name}",
        name=name,
        state=state,
        image="",
        image_id="",
        labels={},
        pid=0,
        exit_code=0,
        created_at=None,
        started_at=None,
        exited_at=None,
        networks=(),
    )
    return replace(found, **more)  # type: ignore[arg-type]


@dataclass
class SimulatedKeeper:
    """Carries steps out as `AppKeeper` does, and checks at each that it may be taken."""

    wanted: WantedApp
    podman: dict[str, ContainerSummary] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)
    policies: dict[str, RestartPolicy] = field(default_factory=dict)
    providers: dict[str, Health] = field(default_factory=dict)
    dependents: tuple[str, ...] = ()
    company: bool = False
    repair: bool = False
    restarts: frozenset[str] = frozenset()
    now: float = 1000.0
    fails: Callable[[], bool] = lambda: False
    """Whether the next creation, or start, fails."""
    interrupt: Callable[[], bool] = lambda: False
    """Called after each step; lets something happen in the middle of a pass, and tells whether it did."""
    unstoppable: frozenset[str] = frozenset()
    """Containers that Podman cannot stop, so that they are removed."""
    taken: list[Step] = field(default_factory=list)
    confined: int = 0
    look: Look = field(default_factory=Look)
    pids: int = 100
    visited: set[str] = field(default_factory=set)
    """What was seen since time passed or something changed outside."""

    def passes(self) -> Ending:
        """Take passes until nothing more can be done without time passing; return how the last one ended."""
        self.visited.clear()
        for _ in range(PASSES):
            ending = self.one_pass()
            if not isinstance(ending, WaitUntil) or ending.until > self.now:
                return ending
        raise AssertionError(f"it does not come to rest: {self.taken[-20:]}")

    def one_pass(self) -> Ending:
        """Look, and take steps until none is possible."""
        self.look = Look.at(dict(self.podman))
        most = STEPS_PER_CONTAINER * (len(self.podman) + len(self.wanted.containers) + 1)
        first = len(self.taken)
        while True:
            assert len(self.taken) - first < most, f"too many steps: {self.taken[first:]}"
            step = next_step(self.seen(), self.wanted, self.policies, self.now)
            self.taken.append(step)
            if isinstance(step, Ending):
                return step
            where = repr((self.seen(), sorted(self.policies.items()), self.podman))
            assert where not in self.visited, f"it was here before: {self.taken[first:]}"
            self.visited.add(where)
            self.carry_out(step)
            if self.interrupt():
                self.visited.clear()

    def seen(self) -> Seen:
        """Return what the keeper sees now."""
        look, containers = self.look, self.wanted.containers
        there = {each.container for each in containers if each.name in look.shown or look.of(each.name).done}
        self.restarts &= there
        return Seen(
            look=self.look,
            known=dict(sorted(self.known.items())),
            providers=self.providers,
            dependents=self.dependents,
            company=self.company,
            repair_waits=self.repair,
            restarts=self.restarts,
        )

    def carry_out(self, step: Action) -> None:
        """Do a step at once."""
        match step:
            case TakeDown() | StopContainer():
                self._stop(step)
                return
            case CreateContainer() | StartContainer() | Reattach():
                if self._fails(step):
                    return
                self._bring_up(step)
            case RemoveContainer():
                found = self.podman.pop(step.name, None)
                # Of one that was initialised, no process of the app has run yet.
                idle = found is None or not is_running(found) or found.state is ContainerState.INITIALIZED
                assert idle, "only what has stopped is removed"
            case ChangeFiles():
                assert not self.podman, "files are changed while no container is left"
                self.repair, self.restarts = False, frozenset()
                self.policies.clear()
                self.known = {each.container: Known(HealthState.STARTING) for each in self.wanted.containers}
            case Rest():
                assert not any(map(is_running, self.podman.values()))
                self.policies.clear()
                self.restarts = frozenset()
                self.known = {each.container: Known(HealthState.STOPPED) for each in self.wanted.containers}
            case Watch() | Confine():
                self._keep(step)
            case _:
                self._note(step)
        self.look = after(self.look, step)

    def of(self, name: str) -> WantedContainer | None:
        """Return the container of the manifest that has a name in Podman."""
        return next((each for each in self.wanted.containers if each.name == name), None)

    def knows(self, container: str) -> Known:
        """Return what is known of a container, by its name in the manifest."""
        return self.known.get(container, Known())

    def tell(self, container: str, health: HealthState, **more: object) -> None:
        """Report the health of a container; a change of anything else that is known may come with it."""
        change = {"needs_owner": False, "waits_for": "", **more}
        self.known[container] = replace(self.knows(container), health=health, **change)  # type: ignore[arg-type]

    # --- outside of the keeper --------------------------------------------------------------------------------------

    def crash(self, name: str, *, noticed: bool) -> None:
        """End the process of a container that runs; Podman may not notice."""
        container = self.of(name)
        if noticed:
            self.podman[name] = replace(self.podman[name], state=ContainerState.EXITED, pid=0)
        if container is not None and (run := self.knows(container.container).run) is not None:
            ended = replace(self.knows(container.container), run=replace(run, over_since=self.now))
            self.known[container.container] = ended

    def probe(self) -> None:
        """Let every watched container that has not been judged yet be found healthy."""
        for each in self.wanted.containers:
            known, found = self.knows(each.container), self.podman.get(each.name)
            if known.run is None or known.run.over_since is not None or found is None or not known.run.is_of(found):
                continue
            if known.health in (HealthState.STARTING, HealthState.SYNCING):
                self.tell(each.container, HealthState.HEALTHY)

    # --- steps ------------------------------------------------------------------------------------------------------

    def _stop(self, step: TakeDown | StopContainer) -> None:
        found, container = self.look.shown[step.name], self.of(step.name)
        if step.name in self.unstoppable and is_running(found):
            del self.podman[step.name]
        elif is_running(found):
            # Of what Podman has: since the look it may have joined a network.
            self.podman[step.name] = replace(self.podman[step.name], state=ContainerState.EXITED, pid=0)
        if container is not None:
            known = replace(self.knows(container.container), run=None)
            self.known[container.container] = known
            if isinstance(step, TakeDown) or step.why.is_reported:
                self.tell(container.container, HealthState.STOPPING)
            if isinstance(step, StopContainer) and step.why is Why.RESTART:
                self.restarts -= {container.container}
                self.policies.pop(container.container, None)
                self.tell(container.container, HealthState.STARTING)
            if isinstance(step, StopContainer) and step.why is Why.UNHEALTHY:
                self.policies[container.container] = self.policies[container.container].started()
        if is_running(found):
            self.look = self.look.stopped(dict(self.podman), step.name)

    def _fails(self, step: CreateContainer | StartContainer | Reattach) -> bool:
        if (isinstance(step, Reattach) and not step.starting) or not self.fails():
            return False
        container = self.of(step.name)
        assert container is not None
        before = self.policies.get(container.container, RestartPolicy())
        policy = self.policies[container.container] = before.failed(self.now, 0.0, _HALF)
        self.tell(container.container, HealthState.FAILED)
        self.look = self.look.failed(step.name, policy.retry_at or self.now, useless=before.restarts >= 2)
        return True

    def _bring_up(self, step: CreateContainer | StartContainer | Reattach) -> None:
        container = self.of(step.name)
        assert container is not None
        if isinstance(step, CreateContainer):
            assert step.name not in self.podman, "the name is taken"
            place = str(self.wanted.containers.index(container))
            labels = {HASH: min(container.hashes), PLACE: place}
            networks = tuple(sorted(container.networks))
            new = summary(step.name, ContainerState.CREATED, labels=labels, networks=networks)
            self.podman[step.name] = new
            return
        found = self.podman[step.name]
        if isinstance(step, Reattach):
            self._reattach(step, found, container)
            return
        self._check_start(container, found)
        self.pids += 1
        self.podman[step.name] = replace(found, state=ContainerState.RUNNING, pid=self.pids)
        policy = self.policies.get(container.container, RestartPolicy())
        self.policies[container.container] = policy.started()
        self.tell(container.container, HealthState.STARTING)

    def _check_start(self, container: WantedContainer, found: ContainerSummary) -> None:
        assert found.state in (ContainerState.CREATED, ContainerState.EXITED, ContainerState.STOPPED) or (
            found.state is ContainerState.INITIALIZED
        )
        assert found.labels[HASH] in container.hashes, "it is as it should be"
        assert REPAIR not in found.labels, "what was made for one run does not start again"
        assert set(found.networks) == container.networks or found.state is ContainerState.INITIALIZED
        due = self.policies.get(container.container, RestartPolicy()).retry_at
        assert due is None or due <= self.now, "not before its back-off has passed"
        for sibling in container.after:
            assert self.knows(sibling).health is HealthState.HEALTHY, "what it waits for is there"

    def _reattach(self, step: Reattach, found: ContainerSummary, container: WantedContainer) -> None:
        assert not step.leave or self.company or not is_running(found), "it may not leave its networks"
        assert step.join <= container.networks and not step.leave & container.networks
        networks = (set(found.networks) | step.join) - step.leave
        self.podman[step.name] = replace(found, networks=tuple(sorted(networks)))

    def _keep(self, step: Watch | Confine) -> None:
        found, container = self.podman.get(step.name), self.of(step.name)
        assert container is not None and found is not None and is_running(found)
        if isinstance(step, Confine):
            self.confined += 1
            return
        known = replace(self.knows(container.container), run=WatchedRun(found.id, found.pid))
        self.known[container.container] = known
        self.tell(container.container, HealthState.STARTING)

    def _note(self, step: Await | NoteDeath | NoteUnhealthy | NoteRecovery) -> None:
        container = self.of(step.name)
        assert container is not None
        policy = self.policies.get(container.container, RestartPolicy())
        match step:
            case Await():
                self.tell(container.container, HealthState.WAITING, waits_for=step.reason)
            case NoteDeath():
                self.policies[container.container] = policy.failed(self.now, 0.0, _HALF)
                self.tell(container.container, HealthState.BACKING_OFF, run=None)
            case NoteUnhealthy():
                self.policies[container.container] = policy.unhealthy(self.now, 0.0, _HALF)
            case NoteRecovery():
                self.policies[container.container] = policy.started()
