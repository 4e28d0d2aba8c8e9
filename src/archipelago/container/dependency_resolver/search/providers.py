"""Finds a provider for each requirement.

The first descent takes the most preferred provider everywhere; it costs time in proportion to the apps that it reaches
and nearly always holds. Where it does not, the alternatives are searched, and a second descent along what was found
checks the outcome.
"""

import heapq
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from archipelago.container.dependency_resolver.errors import Problem
from archipelago.container.dependency_resolver.options import Demand, EffectiveOptions, settle
from archipelago.container.dependency_resolver.order import cycle_problem, find_cycle
from archipelago.container.dependency_resolver.search.backtrack import Impossible, search
from archipelago.container.dependency_resolver.search.nogoods import Need
from archipelago.container.dependency_resolver.search.world import Token, World
from archipelago.container.manifest.model.interfaces import Required
from archipelago.container.manifest.model.scalars import AppId, Name


@dataclass(slots=True)
class Descent:
    """The apps and bindings that one descent came to."""

    apps: dict[AppId, Need | None] = field(default_factory=dict)
    """Apps of the plan, each with the need that brought it first; None for those that were asked for."""
    bindings: dict[Need, AppId] = field(default_factory=dict)
    demands: dict[AppId, list[Demand]] = field(default_factory=dict)
    settled: dict[AppId, EffectiveOptions] = field(default_factory=dict)
    problem: Problem | None = None


def solve(world: World) -> Descent:
    """Return apps and bindings that fit each other; raises ResolutionError."""
    first = descend(world, {})
    if first.problem is None:
        return first
    try:
        found = search(world)
    except Impossible as impossible:
        raise impossible.blame(first.problem).error() from None
    outcome = descend(world, found)
    assert outcome.problem is None, outcome.problem
    return outcome


def descend(world: World, chosen: Mapping[Need, AppId]) -> Descent:
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
            candidates = world.fitting(app, interface, required)
            if not candidates:
                descent.problem = world.unserved(app, interface, required)
                return descent
            pick = chosen.get((app, interface))
            if pick in candidates:
                candidates = (pick,)
            if len(candidates) == 1:
                bind(app, interface, candidates[0], required)
            else:
                heapq.heappush(undecided, (app, interface, candidates, required.default))
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
