"""Finds a provider for each requirement.

The first descent takes the most preferred provider everywhere; it costs time in proportion to the apps that it reaches
and nearly always holds. Where it does not, resolvelib searches the alternatives, and a second descent along what it
found checks the outcome, cycles included, which resolvelib does not look for.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from archipelago.container.dependency_resolver.backtrack import Impossible, search
from archipelago.container.dependency_resolver.errors import Problem, ResolutionCode
from archipelago.container.dependency_resolver.options import Demand, Settled, settle
from archipelago.container.dependency_resolver.order import find_cycle
from archipelago.container.dependency_resolver.world import Token, World
from archipelago.container.manifest.model import Required
from archipelago.container.manifest.scalars import AppId, Name

Need = tuple[AppId, Name]
"""A mandatory requirement: consumer and interface."""
Binding = tuple[AppId, Name, AppId]
"""Consumer, interface, provider."""

_SEARCHES = 40
"""How often a search is begun anew because its outcome was a cycle."""


@dataclass(slots=True)
class Descent:
    """The apps and bindings that one descent came to."""

    apps: dict[AppId, Need | None] = field(default_factory=dict)
    """Apps of the plan, each with the need that brought it first; None for those that were asked for."""
    bindings: dict[Need, AppId] = field(default_factory=dict)
    open: set[Need] = field(default_factory=set)
    """Needs that more than one provider fits."""
    demands: dict[AppId, list[Demand]] = field(default_factory=dict)
    settled: dict[AppId, Settled] = field(default_factory=dict)
    problem: Problem | None = None

    def choices_behind(self) -> list[Binding]:
        """Return the bindings, with alternatives, that led to the problem: it stands as long as all of them do."""
        if self.problem is None:
            return []
        found = [one for one in self.problem.bindings if one[:2] in self.open]
        waiting = [*self.problem.apps, *(binding[0] for binding in self.problem.bindings)]
        seen: set[AppId] = set()
        for app in waiting:
            need = self.apps.get(app)
            if app in seen or need is None:
                continue
            seen.add(app)
            if need in self.open:
                found.append((*need, app))
            waiting.append(need[0])
        return list(dict.fromkeys(found))


def solve(world: World) -> Descent:
    """Return apps and bindings that fit each other; raises ResolutionError."""
    first = descend(world, {}, frozenset())
    if first.problem is None:
        return first
    if not first.choices_behind():
        raise first.problem.error()
    waiting: list[frozenset[Binding]] = [frozenset()]
    tried: set[frozenset[Binding]] = set()
    problem = first.problem
    for _ in range(_SEARCHES):
        if not waiting:
            break
        forbidden = waiting.pop()
        if forbidden in tried:
            continue
        tried.add(forbidden)
        try:
            found = search(world, forbidden)
        except Impossible as impossible:
            if not forbidden:
                raise impossible.blame(first.problem).error() from None
            continue
        outcome = descend(world, found, forbidden)
        if outcome.problem is None:
            return outcome
        problem = outcome.problem
        if problem.code is ResolutionCode.CYCLE:
            waiting += [forbidden | {one} for one in reversed(outcome.choices_behind())]
    raise problem.error()


def descend(world: World, chosen: Mapping[Need, AppId], forbidden: frozenset[Binding]) -> Descent:
    """Take the chosen provider, else the most preferred one, for each need; `problem` says why that does not hold."""
    descent = Descent()
    sides: dict[Token, tuple[str, AppId]] = {}
    queue: deque[AppId] = deque(world.roots)
    descent.apps = dict.fromkeys(world.roots)
    undecided: list[tuple[AppId, Name, tuple[AppId, ...], AppId | None]] = []

    def bind(consumer: AppId, interface: Name, provider: AppId, required: Required) -> None:
        descent.bindings[consumer, interface] = provider
        if required.demands:
            descent.demands.setdefault(provider, []).extend(
                Demand(option, consumer, interface, value) for option, value in required.demands.items()
            )
        if provider not in descent.apps:
            descent.apps[provider] = (consumer, interface)
            queue.append(provider)

    while queue or undecided:
        if not queue:
            consumer, interface, candidates, default = heapq.heappop(undecided)
            best = min(candidates, key=lambda app: (app not in descent.apps, app != default, app))
            bind(consumer, interface, best, world.apps[consumer].requires[interface])
            continue
        app = queue.popleft()
        descent.problem = world.host_misfit(app) or _take_sides(world, app, sides)
        if descent.problem is not None:
            return descent
        for interface, required in world.apps[app].requires.items():
            if required.optional:
                continue
            candidates = world.fit(app, interface, required).providers
            if len(candidates) > 1:
                descent.open.add((app, interface))
            allowed = (
                tuple(one for one in candidates if (app, interface, one) not in forbidden) if forbidden else candidates
            )
            pick = chosen.get((app, interface))
            if pick in allowed:
                allowed = (pick,)
            if not allowed:
                descent.problem = world.unserved(app, interface, required, candidates)
                return descent
            if len(allowed) == 1:
                bind(app, interface, allowed[0], required)
            else:
                heapq.heappush(undecided, (app, interface, allowed, required.default))
    descent.problem = _settle_all(world, descent) or _cycle(descent)
    return descent


def _take_sides(world: World, app: AppId, sides: dict[Token, tuple[str, AppId]]) -> Problem | None:
    for token, side in world.tokens(app):
        other = sides.setdefault(token, (side, app))
        if other[0] != side:
            return world.exclusion(token, other[1], app)
    return None


def _settle_all(world: World, descent: Descent) -> Problem | None:
    for app in sorted(descent.apps):
        settled = settle(world.apps[app], world.owner_options(app), descent.demands.get(app, ()))
        if isinstance(settled, Problem):
            return settled
        descent.settled[app] = settled
    return None


def _cycle(descent: Descent) -> Problem | None:
    needs: dict[AppId, list[AppId]] = {}
    for (consumer, _), provider in descent.bindings.items():
        needs.setdefault(consumer, []).append(provider)
    cycle = find_cycle(needs, needs)
    if cycle is None:
        return None
    steps = set(pairwise(cycle))
    bindings = sorted(
        (consumer, interface, provider)
        for (consumer, interface), provider in descent.bindings.items()
        if (consumer, provider) in steps
    )
    return cycle_problem(cycle, bindings)


def cycle_problem(cycle: tuple[AppId, ...], bindings: Iterable[Binding]) -> Problem:
    """Return the refusal of apps that each need the next."""
    bindings = tuple(bindings)
    hows = "; ".join(f"{consumer} needs {interface} of {provider}" for consumer, interface, provider in bindings)
    return Problem(
        ResolutionCode.CYCLE,
        f"These apps need each other, so none could start first: {' → '.join(cycle)}. {hows}",
        "One of the requirements must become optional; tell the packagers",
        {"cycle": list(cycle)},
        tuple(dict.fromkeys(cycle)),
        bindings,
    )
