"""What to do next with one app. Pure: the keeper (`keeper/app_keeper`) looks, asks `next_step`, acts, and asks again.

A *pass* is what the keeper does between two looks at Podman: steps, until one of them is an `Ending`. These hold for
`next_step` and `after` (`tests/unit/container/reconciler/test_step.py`):

- where nothing fails, an app gets to what is wanted in a bounded number of steps, and then the answer is `Nothing`;
- nothing is done with an app that should not run but to stop it, to take it off networks, to clean up after it and,
  where it is not installed, to remove it; it is not stopped while an app runs that cannot do without it;
- containers of an app start in the order of the manifest, each after those that it waits for, and stop in the opposite
  order; those that are restarted or created again have all stopped before the first one starts;
- a pass is finite: no step is repeated unless time passes or something outside the keeper changes;
- a container that crashed or failed to start is not started again before its `RestartPolicy` allows it;
- a running container leaves a network only where another app keeps Podman's network namespace alive.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from archipelago.api.health import HealthState
from archipelago.container.desired.state import provides
from archipelago.container.health_monitor.states import STATES
from archipelago.container.podman_client.labels import REPAIR
from archipelago.container.podman_client.models import ContainerState, ContainerSummary
from archipelago.container.reconciler.restart_policy import RestartPolicy
from archipelago.container.reconciler.seen import (
    Done,
    Known,
    Look,
    Seen,
    SinceLook,
    WantedApp,
    WantedContainer,
    is_outdated,
    is_running,
)
from archipelago.support.texts.text import msg

PATIENCE = 3.0
"""Seconds in which Podman notices the end of a container's process, unless the container's conmon died before it."""
_DEATH_POLL = 0.02

# --- endings: nothing more can be done now ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Nothing:
    """All is as it should be, or waits for something that wakes the keeper."""


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Look again at a time, on the monotonic clock; at once where it has come."""

    until: float


@dataclass(frozen=True, slots=True)
class Postpone:
    """Leave the app running although it should not, for the reason given: others still need it."""

    reason: str


@dataclass(frozen=True, slots=True)
class LeaveAlone:
    """Leave the app as it is, since nobody knows how it should be."""

    problem: str


@dataclass(frozen=True, slots=True)
class Gone:
    """Forget the app: it is not installed, and nothing of it is left."""


Ending = Nothing | WaitUntil | Postpone | LeaveAlone | Gone

# --- actions: each names a container as Podman does -------------------------------------------------------------------


class Why(Enum):
    """Why a container of an app that should run stops."""

    OUTDATED = msg("is made again")
    RESTART = msg("is restarted")
    REPAIR = msg("is repaired")
    UNHEALTHY = msg("does not answer")
    LOST = msg("has ended, which Podman does not notice")

    @property
    def is_reported(self) -> bool:
        """Whether it is reported as stopping; else the last report, of what is wrong with it, stays."""
        return self in (Why.OUTDATED, Why.RESTART, Why.REPAIR)


@dataclass(frozen=True, slots=True)
class TakeDown:
    """Stop a container of an app that should not run."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rest:
    """Clean up after an app whose containers have all stopped."""

    reason: str


@dataclass(frozen=True, slots=True)
class ChangeFiles:
    """Change the files of a repair: no container of the app is left."""


@dataclass(frozen=True, slots=True)
class StopContainer:
    """Stop a container that will start again."""

    name: str
    why: Why


@dataclass(frozen=True, slots=True)
class RemoveContainer:
    """Remove a container that has stopped."""

    name: str
    outdated: bool = False
    """Whether a newer one takes its place."""


@dataclass(frozen=True, slots=True)
class Reattach:
    """Join a container to networks and take it off others.

    Podman 4 takes the network namespace away from under a container that is alone in having networks, together with the
    first that it leaves. So a running one leaves only in company.
    """

    name: str
    join: frozenset[str]
    leave: frozenset[str]
    starting: bool = False
    """Whether the container is about to start; what fails is then a failure of its start."""


@dataclass(frozen=True, slots=True)
class CreateContainer:
    """Create a container, together with what it needs."""

    name: str


@dataclass(frozen=True, slots=True)
class StartContainer:
    """Start a container that does not run."""

    name: str
    created: bool
    """Whether it was created just now, and with it what it needs."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Watch a run that is not known: one that was just started, or one from an earlier life of the daemon."""

    name: str


@dataclass(frozen=True, slots=True)
class Confine:
    """Bring the firewall and the limits of a running container up to date."""

    name: str


@dataclass(frozen=True, slots=True)
class Await:
    """Report that a container waits, and for what."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class NoteDeath:
    """Take note of a run that ended without being stopped, and of when the next one is due."""

    name: str


@dataclass(frozen=True, slots=True)
class NoteUnhealthy:
    """Take note of a container that runs but does not answer, and of when it is restarted."""

    name: str


@dataclass(frozen=True, slots=True)
class NoteRecovery:
    """Take note of a container that answers again before it was restarted."""

    name: str


Note = Await | NoteDeath | NoteUnhealthy | NoteRecovery
BringUp = CreateContainer | StartContainer | Reattach
Action = TakeDown | Rest | ChangeFiles | StopContainer | RemoveContainer | BringUp | Watch | Confine | Note
Step = Ending | Action


def next_step(seen: Seen, wanted: WantedApp, policies: Mapping[str, RestartPolicy], now: float) -> Step:
    """Return the one thing to do next.

    `policies` is by the container's name in the manifest, `now` is on the monotonic clock.
    """
    if wanted.obstacle is not None:
        return _down(seen, wanted, wanted.obstacle)
    if wanted.problem:
        return LeaveAlone(wanted.problem)
    if seen.repair_waits:
        # What was created or started since the look, or was tried, may run, and the look does not show it.
        return WaitUntil(now) if any(_is_newer(seen.look, name) for name in seen.look.since) else _repair(seen)
    if (leaving := _leaving(seen, wanted)) is not None:
        return leaving
    waits = []
    for each in wanted.containers:
        step = _up(each, seen, wanted, policies.get(each.container, RestartPolicy()), now)
        if isinstance(step, WaitUntil):
            waits.append(step.until)
        elif step is not None:
            return step
    return WaitUntil(min(waits)) if waits else Nothing()


def after(look: Look, step: Action) -> Look:
    """Return what there is after a step that did not fail, as far as that is certain without another look.

    Only Podman's next list shows what came of a `StopContainer` or `TakeDown`.
    """
    match step:
        case Rest():
            return replace(look, at_rest=True)
        case RemoveContainer():
            return look.without(step.name)
        case CreateContainer():
            return look.done(step.name, Done.CREATED)
        case StartContainer():
            return look.done(step.name, Done.STARTED)
        case Watch():
            return look.done(step.name, Done.WATCHED)
        case Confine():
            return look.done(step.name, Done.CONFINED)
        case Reattach():
            return look.done(step.name, Done.REATTACHED)
        case NoteDeath() if is_running(look.shown[step.name]):
            return look.noted(step.name, SinceLook(useless=True))
    return look


# --- an app that should not run, or not now ---------------------------------------------------------------------------


def _down(seen: Seen, wanted: WantedApp, obstacle: str) -> Step:
    shown = seen.look.shown
    if seen.dependents and any(map(is_running, shown.values())):
        return Postpone(msg("waits until {dependents} has stopped", dependents=", ".join(seen.dependents)))
    containers = {each.name: each for each in wanted.containers}
    for found in seen.look.stopping:
        if is_running(found):
            return TakeDown(found.name, obstacle)
        known = containers.get(found.name)
        if known is not None and (step := _reattach(known, found, seen, joins=False)) is not None:
            return step
    if not seen.look.at_rest:
        return Rest(obstacle)
    if wanted.installed:
        return Nothing()
    return RemoveContainer(next(iter(shown))) if shown else Gone()


def _repair(seen: Seen) -> Step:
    """Return the next step to a repair, which needs all containers of the app gone."""
    for found in seen.look.stopping:
        return StopContainer(found.name, Why.REPAIR) if is_running(found) else RemoveContainer(found.name)
    return ChangeFiles()


def _leaving(seen: Seen, wanted: WantedApp) -> Step | None:
    """Return the next step to be rid of what may not go on as it is; all of it goes before anything starts."""
    containers = {each.name: each for each in wanted.containers}
    for found in seen.look.stopping:
        known = containers.get(found.name)
        if known is None or is_outdated(found, known):
            running = is_running(found)
            return StopContainer(found.name, Why.OUTDATED) if running else RemoveContainer(found.name, outdated=True)
        asked = known.container in seen.restarts and not _is_newer(seen.look, found.name)
        if found.state is ContainerState.STOPPING or asked:
            return StopContainer(found.name, Why.RESTART)
    return None


def _is_newer(look: Look, name: str) -> bool:
    """Return whether a container is another than the look shows, so that what is asked of it waits for another look."""
    since = look.of(name)
    return since.retry_at is not None or bool(since.done & {Done.CREATED, Done.STARTED})


# --- an app that should run -------------------------------------------------------------------------------------------


def _up(wanted: WantedContainer, seen: Seen, app: WantedApp, policy: RestartPolicy, now: float) -> Step | None:
    """Return the next step for one container; None where there is none."""
    found, since = seen.look.shown.get(wanted.name), seen.look.of(wanted.name)
    known = seen.known.get(wanted.container, Known())
    if Done.STARTED in since.done:
        return WaitUntil(now) if Done.WATCHED in since.done else Watch(wanted.name)  # a look may take long
    if since.useless:
        running = found is not None and is_running(found)
        return StopContainer(wanted.name, Why.LOST) if running else RemoveContainer(wanted.name)
    if found is not None and is_running(found) and found.state is not ContainerState.INITIALIZED:
        return _keep_running(wanted, found, seen, known, policy, now)
    if found is not None and known.run is not None:
        return NoteDeath(wanted.name)
    if since.retry_at is not None:
        return WaitUntil(since.retry_at)
    if policy.retry_at is not None and policy.retry_at > now:
        return WaitUntil(policy.retry_at)
    if (reason := _waits_for(wanted, seen, app)) is not None:
        reported = known.health is HealthState.WAITING and known.waits_for == reason
        return None if reported else Await(wanted.name, reason)
    return _start(wanted, found, seen)


def _start(wanted: WantedContainer, found: ContainerSummary | None, seen: Seen) -> Step:
    created = Done.CREATED in seen.look.of(wanted.name).done
    if created:
        return StartContainer(wanted.name, created=True)
    if found is None:
        return CreateContainer(wanted.name)
    if REPAIR in found.labels:
        return RemoveContainer(found.name)  # its further arguments were for one run
    return _reattach(wanted, found, seen, starting=True) or StartContainer(wanted.name, created=False)


def _waits_for(wanted: WantedContainer, seen: Seen, app: WantedApp) -> str | None:
    """Return what a container waits for before it starts; None where it may start."""
    for gate in app.gates:
        health = seen.providers[gate.provider]
        if not provides(health, gate.wait):
            words = STATES[health.state]
            if health.reason:
                words = msg("{state}: {reason}", state=words, reason=health.reason)
            return msg("waits for {provider}, which is {state}", provider=gate.provider, state=words)
    for sibling in wanted.after:
        state = seen.known.get(sibling, Known()).health or HealthState.STARTING
        if state is not HealthState.HEALTHY:
            return msg("waits for its container {sibling}, which is {state}", sibling=sibling, state=STATES[state])
    return None


def _keep_running(
    wanted: WantedContainer, found: ContainerSummary, seen: Seen, known: Known, policy: RestartPolicy, now: float
) -> Step | None:
    done, run = seen.look.of(wanted.name).done, known.run
    # What failed was a step, and the container went on: its probe has nothing new to report.
    stale = known.health is HealthState.FAILED and Done.CONFINED not in done
    if Done.WATCHED not in done and (run is None or not run.is_of(found) or stale):
        return Watch(wanted.name)
    if run is not None and run.over_since is not None:
        if now - run.over_since < PATIENCE:
            return WaitUntil(now + _DEATH_POLL)  # Podman is about to notice
        return NoteDeath(wanted.name)
    if Done.CONFINED not in done:
        return Confine(wanted.name)
    return _reattach(wanted, found, seen) or _if_unhealthy(wanted, known, policy, now)


def _reattach(
    wanted: WantedContainer, found: ContainerSummary, seen: Seen, *, joins: bool = True, starting: bool = False
) -> Reattach | None:
    if Done.REATTACHED in seen.look.of(wanted.name).done:
        return None
    join = wanted.networks - set(found.networks) if joins else frozenset[str]()
    may_leave = seen.company or not is_running(found)
    leave = frozenset(found.networks) - wanted.networks if may_leave else frozenset[str]()
    return Reattach(wanted.name, join, leave, starting) if join or leave else None


def _if_unhealthy(wanted: WantedContainer, known: Known, policy: RestartPolicy, now: float) -> Step | None:
    """Restart a container that runs but has not answered for long; each time more patiently."""
    if known.needs_owner:
        return None
    if known.health is not HealthState.UNHEALTHY:
        return NoteRecovery(wanted.name) if policy.retry_at is not None else None
    if policy.retry_at is None:
        return NoteUnhealthy(wanted.name)
    return WaitUntil(policy.retry_at) if policy.retry_at > now else StopContainer(wanted.name, Why.UNHEALTHY)
