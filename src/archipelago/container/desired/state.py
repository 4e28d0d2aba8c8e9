"""What should run: the installed apps with their compiled workloads and edges. Plain values, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from archipelago.api.health import WORKING, Health, HealthState
from archipelago.container.dependency_resolver.plan import Edge, Plan
from archipelago.container.manifest.model.interfaces import Wait
from archipelago.container.workload.workload import Workload
from archipelago.performance.resource_manager.budgets import AppBudget, ContainerBudget, container_budgets
from archipelago.security.secrets.secret import Secret
from archipelago.storage.records.apps import AppRecord, Desired
from archipelago.support.texts.text import msg


@dataclass(frozen=True, slots=True)
class DesiredApp:
    """One installed app, compiled."""

    record: AppRecord
    workload: Workload
    probe_secrets: Mapping[str, Secret] = field(default_factory=dict)
    problem: str = ""
    """Why it cannot be compiled; what runs of it then stays as it is. Empty where it can."""


@dataclass(frozen=True, slots=True)
class DesiredState:
    """All installed apps. `halted` is the latch of a shutdown: nothing is wanted, and nothing is revived."""

    apps: Mapping[str, DesiredApp] = field(default_factory=dict)
    plan: Plan = field(default_factory=Plan)
    halted: bool = False
    suspended: frozenset[str] = frozenset()
    """Apps that stay down while their data is copied or replaced; unlike those that their owner stopped, the apps that
    need them run on."""
    generation: int = 0
    """Counts the states, so that one can see when all keepers have seen the newest."""
    paused: Mapping[str, str] = field(default_factory=dict)
    """App -> why the node does not run it now, whatever its owner wants."""
    budgets: Mapping[str, AppBudget] = field(default_factory=dict)
    """App -> what it may take of the host; nothing restarts when that changes."""

    @property
    def broken(self) -> frozenset[str]:
        """The apps that cannot be compiled."""
        return frozenset(app for app, found in self.apps.items() if found.problem)

    @property
    def networks(self) -> frozenset[str]:
        """The names of the networks that the apps need."""
        return frozenset(network.name for app in self.apps.values() for network in app.workload.networks)

    @property
    def hashes(self) -> dict[str, str]:
        """Return what the containers of each app must be made of."""
        return {name: found.workload.hash for name, found in self.apps.items()}

    def container_budget(self, app: str, container: str) -> ContainerBudget | None:
        """Return what a container of an installed app may take; None where nothing was decided."""
        budget = self.budgets.get(app)
        if budget is None:
            return None
        return container_budgets(self.apps[app].record.package.manifest, budget)[container]

    def touched_since(self, hashes: Mapping[str, str]) -> tuple[str, ...]:
        """Return the apps whose containers are created again, given what their hashes were."""
        return tuple(name for name, hash in self.hashes.items() if hashes.get(name) != hash)

    def wanted(self, app: str) -> bool:
        """Return whether the app should run: its owner wants it, and all that it cannot do without."""
        return self.obstacle(app) is None

    def is_paused(self, app: str) -> bool:
        """Return whether nothing but a pause, of the app or of one that it needs, keeps it from running."""
        return bool(self.paused) and not self.wanted(app) and replace(self, paused={}).wanted(app)

    def obstacle(self, app: str, _seen: frozenset[str] = frozenset()) -> str | None:
        """Return why the app ought not to run, or None when it should."""
        if self.halted:
            return msg("the node is shutting down")
        found = self.apps.get(app)
        if found is None:
            return msg("{app} is not installed", app=app)
        if app in self.suspended and not _seen:
            return msg("its data is being copied or put back")
        if found.record.desired is Desired.STOPPED:
            return msg("its owner stopped it")
        if app in self.paused:
            return self.paused[app]
        for edge in self.providers(app):
            if edge.optional or edge.provider in _seen:
                continue
            if self.obstacle(edge.provider, _seen | {app}) is not None:
                return msg("it needs {provider}, which is stopped", provider=edge.provider)
        return None

    def providers(self, app: str) -> tuple[Edge, ...]:
        """Return the edges to the apps that this one uses."""
        return tuple(edge for edge in self.plan.edges if edge.consumer == app)

    def dependents(self, app: str) -> tuple[Edge, ...]:
        """Return the edges from the apps that use this one."""
        return tuple(edge for edge in self.plan.edges if edge.provider == app)

    def mandatory_consumers(self, app: str) -> tuple[str, ...]:
        """Return the apps that use this one and cannot do without it, each once, by name."""
        return tuple(sorted({edge.consumer for edge in self.dependents(app) if not edge.optional}))

    def needed_by(self, app: str) -> tuple[str, ...]:
        """Return the app and all that it cannot do without, providers first."""
        found: dict[str, None] = {}
        for edge in self.providers(app):
            if not edge.optional:
                found.update(dict.fromkeys(self.needed_by(edge.provider)))
        return (*found, app)

    def needing(self, app: str) -> tuple[str, ...]:
        """Return the app and all that cannot do without it, dependents first."""
        found: dict[str, None] = {}
        for consumer in self.mandatory_consumers(app):
            found.update(dict.fromkeys(self.needing(consumer)))
        return (*found, app)

    def neighbours(self, app: str) -> frozenset[str]:
        """Return the apps whose next step may hang on this one."""
        used = {edge.provider for edge in self.providers(app)}
        return frozenset(used | {edge.consumer for edge in self.dependents(app)})


def provides(health: Health, wait: Wait) -> bool:
    """Return whether a provider's health is what its dependent waits for."""
    match wait:
        case Wait.STARTED:
            return health.state in (
                HealthState.STARTING,
                HealthState.SYNCING,
                HealthState.HEALTHY,
                HealthState.UNHEALTHY,
            )
        case Wait.SERVING:
            return health.state in WORKING
        case Wait.HEALTHY:
            return health.state is HealthState.HEALTHY


_WORST_FIRST = (
    HealthState.FAILED,
    HealthState.BACKING_OFF,
    HealthState.UNHEALTHY,
    HealthState.STOPPING,
    HealthState.WAITING,
    HealthState.STARTING,
    HealthState.SYNCING,
    HealthState.HEALTHY,
    HealthState.STOPPED,
)


def worst(healths: Mapping[str, Health]) -> Health:
    """Return the health of an app: that of its container that is worst off."""
    if not healths:
        return Health(state=HealthState.STARTING, reason=msg("not looked at yet"))
    return min(healths.values(), key=lambda health: _WORST_FIRST.index(health.state))


def trouble_of(healths: Mapping[str, Health]) -> str:
    """Return what is wrong with an app: with its container that is worst off, or else with any that starts again."""
    worst_first = sorted(healths.values(), key=lambda health: _WORST_FIRST.index(health.state))
    return next((trouble for each in worst_first if (trouble := each.trouble)), "")
