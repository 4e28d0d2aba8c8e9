"""What a decision about an app is made from: what is wanted, what was seen, and what the keeper knows. Plain values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from archipelago.api.health import Health, HealthState
from archipelago.container.manifest.model.interfaces import Wait
from archipelago.container.podman_client.labels import HASH
from archipelago.container.podman_client.models import ContainerState, ContainerSummary
from archipelago.container.reconciler.stop_order import stop_order


@dataclass(frozen=True, slots=True)
class ProviderGate:
    """An app that must be there before this one starts."""

    provider: str
    wait: Wait
    """How far it must have come."""


@dataclass(frozen=True, slots=True)
class WantedContainer:
    """What a decision needs to know of a container as it should be."""

    container: str
    """Its name in the manifest."""
    name: str
    """Its name in Podman."""
    hashes: frozenset[str]
    """Labels of containers that are as they should be: of this version of the node, and of earlier ones."""
    after: tuple[str, ...] = ()
    """Containers of the app that must be healthy before it starts, by their names in the manifest."""
    networks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WantedApp:
    """What should be true of an app."""

    installed: bool
    obstacle: str | None = None
    """Why it should not run; None where it should."""
    problem: str = ""
    """Why nobody knows how it should run; empty where one does."""
    containers: tuple[WantedContainer, ...] = ()
    """In start order."""
    gates: tuple[ProviderGate, ...] = ()


class Done(Enum):
    """What is done at most once for a container between two looks."""

    CREATED = auto()
    STARTED = auto()
    WATCHED = auto()
    CONFINED = auto()
    REATTACHED = auto()


@dataclass(frozen=True, slots=True)
class SinceLook:
    """What became of one container since Podman was asked last."""

    done: frozenset[Done] = frozenset()
    useless: bool = False
    """Whether it cannot be started again and has to be removed."""
    retry_at: float | None = None
    """Where its start failed: when to look and try again, on the monotonic clock."""


@dataclass(frozen=True, slots=True)
class Look:
    """Podman's list of an app's containers, by name, and what was done about them since."""

    shown: Mapping[str, ContainerSummary] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    """In which order its containers stop; it stays while some of them go."""
    since: Mapping[str, SinceLook] = field(default_factory=dict)
    at_rest: bool = False
    """Whether everything but the containers of a stopped app has been cleaned up."""

    @classmethod
    def at(cls, shown: Mapping[str, ContainerSummary]) -> "Look":
        """Return a look at what Podman has just listed."""
        return cls(shown, tuple(each.name for each in stop_order(shown.values())))

    @property
    def stopping(self) -> Iterable[ContainerSummary]:
        """The containers in the order in which they stop."""
        newer = (name for name in self.shown if name not in self.order)
        return (self.shown[name] for name in (*newer, *self.order) if name in self.shown)

    def of(self, name: str) -> SinceLook:
        """Return what became of one container, by its name in Podman."""
        return self.since.get(name, SinceLook())

    def noted(self, name: str, since: SinceLook) -> "Look":
        """Return the look with a newer note about one container."""
        return replace(self, since={**self.since, name: since})

    def done(self, name: str, what: Done) -> "Look":
        """Return the look after something was done for one container."""
        since = self.of(name)
        return self.noted(name, replace(since, done=since.done | {what}))

    def failed(self, name: str, retry_at: float, *, useless: bool = False) -> "Look":
        """Return the look after a container could not be created or started."""
        return self.noted(name, replace(self.of(name), useless=useless, retry_at=retry_at))

    def stopped(self, shown: Mapping[str, ContainerSummary], name: str) -> "Look":
        """Return the look after a container was stopped, with Podman's list of then: what was done was for its run."""
        return replace(self.noted(name, replace(self.of(name), done=frozenset())), shown=shown)

    def without(self, name: str) -> "Look":
        """Return the look after a container was removed."""
        shown = {each: found for each, found in self.shown.items() if each != name}
        return replace(self, shown=shown, since={**self.since, name: SinceLook()})


@dataclass(frozen=True, slots=True)
class WatchedRun:
    """The run of a container that the keeper watches."""

    id: str
    pid: int
    over_since: float | None = None
    """When it was noticed to be over, on the monotonic clock."""

    def is_of(self, shown: ContainerSummary) -> bool:
        """Return whether this is the run that Podman's list shows."""
        return (self.id, self.pid) == (shown.id, shown.pid)


@dataclass(frozen=True, slots=True)
class Known:
    """What the keeper knows of one container, whether Podman has it or not."""

    health: HealthState | None = None
    needs_owner: bool = False
    waits_for: str = ""
    """What it was last reported to wait for."""
    run: WatchedRun | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is of an app at one moment."""

    look: Look
    known: Mapping[str, Known] = field(default_factory=dict)
    """By the container's name in the manifest."""
    providers: Mapping[str, Health] = field(default_factory=dict)
    """Health of each app that gates this one."""
    dependents: tuple[str, ...] = ()
    """Apps that run and cannot do without this one."""
    company: bool = False
    """Whether another app runs that will go on as it is. See `step.Reattach`."""
    repair_waits: bool = False
    """Whether a repair was ordered and its files are not changed yet."""
    restarts: frozenset[str] = frozenset()
    """Containers to restart, by their names in the manifest."""


_DOWN = (ContainerState.CREATED, ContainerState.STOPPED, ContainerState.EXITED, ContainerState.REMOVING)


def is_running(container: ContainerSummary) -> bool:
    """Return whether processes of the container may be alive."""
    return container.state not in _DOWN


def is_outdated(shown: ContainerSummary, wanted: WantedContainer) -> bool:
    """Return whether a container has to be created again."""
    return shown.labels.get(HASH) not in wanted.hashes or shown.state is ContainerState.REMOVING
