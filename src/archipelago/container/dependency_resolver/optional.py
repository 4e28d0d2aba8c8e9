"""Binds optional requirements to what is in the plan anyway."""

from collections.abc import Mapping
from dataclasses import dataclass

from archipelago.container.dependency_resolver.errors import Problem
from archipelago.container.dependency_resolver.options import Demand, settle
from archipelago.container.dependency_resolver.order import find_cycle, reaches
from archipelago.container.dependency_resolver.search.providers import Descent
from archipelago.container.dependency_resolver.search.world import World
from archipelago.container.manifest.model.scalars import AppId, Name
from archipelago.support.texts.text import msg


@dataclass(frozen=True, slots=True)
class Optional:
    """Optional bindings, which of them do not gate a start, and what could not be bound."""

    bindings: dict[tuple[AppId, Name], AppId]
    ungated: frozenset[tuple[AppId, Name]]
    warnings: tuple[str, ...]


def bind_optional(world: World, descent: Descent) -> Optional:
    """Bind each optional requirement that an app of the plan fits; their demands go into `descent.settled`.

    What was bound before comes first, so that it stays; then by name. A binding that contradicts others is left out
    with a warning, and one that would close a cycle is kept but gates no start.
    """
    wanted = sorted(
        (not _was_bound(world, app, interface), app, interface)
        for app in descent.apps
        for interface, required in world.apps[app].requires.items()
        if required.optional
    )
    bindings: dict[tuple[AppId, Name], AppId] = {}
    warnings: list[str] = []
    for _, consumer, interface in wanted:
        provider = _choose(world, descent, consumer, interface, warnings)
        if provider is not None:
            bindings[consumer, interface] = provider
    return Optional(bindings, _ungated(descent, bindings), tuple(warnings))


def _ungated(descent: Descent, bindings: Mapping[tuple[AppId, Name], AppId]) -> frozenset[tuple[AppId, Name]]:
    # Depends on the bindings alone, not on which of them are new, so that the next plan says the same.
    needs: dict[AppId, set[AppId]] = {}
    for (consumer, _), provider in descent.bindings.items():
        needs.setdefault(consumer, set()).add(provider)
    together = {consumer: set(providers) for consumer, providers in needs.items()}
    for (consumer, _), provider in bindings.items():
        together.setdefault(consumer, set()).add(provider)
    if find_cycle(together, together) is None:
        return frozenset()
    ungated = set()
    for (consumer, interface), provider in sorted(bindings.items()):
        if reaches(provider, consumer, needs):
            ungated.add((consumer, interface))
        else:
            needs.setdefault(consumer, set()).add(provider)
    return frozenset(ungated)


def _was_bound(world: World, app: AppId, interface: Name) -> bool:
    one = world.installed.get(app)
    return one is not None and one.choices.get(interface) in world.kept


def _choose(world: World, descent: Descent, consumer: AppId, interface: Name, warnings: list[str]) -> AppId | None:
    required = world.apps[consumer].requires[interface]
    before = world.installed[consumer].choices.get(interface) if consumer in world.installed else None
    bound = world.bound(consumer, interface)
    there = [app for app in world.providers(interface) if app in descent.apps and app != consumer]
    there.sort(key=lambda app: (app != bound, app != before, app != required.default, app))
    problems = []
    for provider in there:
        problem = world.misfit(provider, consumer, interface, required) or _settle_with(
            world, descent, consumer, interface, provider
        )
        if problem is None:
            return provider
        problems.append(problem)
    if problems:
        warnings.append(
            msg(
                "{consumer} goes without {interface}: {message}",
                consumer=consumer,
                interface=interface,
                message=problems[0].message,
            )
        )
    return None


def _settle_with(world: World, descent: Descent, consumer: AppId, interface: Name, provider: AppId) -> Problem | None:
    wanted = world.apps[consumer].requires[interface].demands
    if not wanted:
        return None
    demands = list(descent.demands.get(provider, ()))
    demands += [Demand(option, consumer, interface, value) for option, value in wanted.items()]
    settled = settle(world.apps[provider], world.owner_options(provider), demands)
    if isinstance(settled, Problem):
        return settled
    descent.demands[provider] = demands
    descent.settled[provider] = settled
    return None
