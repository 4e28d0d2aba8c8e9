"""Which apps could ever start, by what they need alone: the least set in which every need has a provider. Pure.

Apps outside of it need each other in a circle, or need what nobody provides, whatever is chosen. To find that out by
choosing takes for ever, as each way around the circles is another one.
"""

from collections.abc import Iterable

from archipelago.container.dependency_resolver.errors import Problem
from archipelago.container.dependency_resolver.order import ring_problem
from archipelago.container.dependency_resolver.search.nogoods import Need
from archipelago.container.dependency_resolver.search.world import World
from archipelago.container.manifest.model.scalars import AppId


class Grounds:
    """The apps that could start, among all that a plan may come to."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._fitting: dict[AppId, dict[Need, tuple[AppId, ...]]] = {}
        self._collect(world.roots)
        self._grounded = self._settle()

    def providers(self, need: Need) -> tuple[AppId, ...]:
        """Return who fits a need and could start."""
        return tuple(app for app in self._fitting[need[0]][need] if app in self._grounded)

    def why_not(self, need: Need) -> Problem:
        """Return why no provider of a need could start."""
        way: list[tuple[AppId, str, AppId]] = []
        while True:
            app, interface = need
            fitting = self._fitting[app][need]
            if not fitting:
                return self._world.unserved(app, interface, self._world.apps[app].requires[interface])
            default = self._world.apps[app].requires[interface].default
            provider = default if default in fitting else fitting[0]
            way.append((app, interface, provider))
            start = next((number for number, step in enumerate(way) if step[0] == provider), None)
            if start is not None:
                return ring_problem(way[start:])
            need = next(one for one in self._fitting[provider] if not self.providers(one))

    def _collect(self, roots: Iterable[AppId]) -> None:
        waiting = list(roots)
        known = set(waiting)
        while waiting:
            app = waiting.pop()
            needs = self._fitting[app] = {
                (app, interface): self._world.fitting(app, interface, required)
                for interface, required in self._world.apps[app].requires.items()
                if not required.optional
            }
            fresh = {provider for fitting in needs.values() for provider in fitting} - known
            known |= fresh
            waiting += sorted(fresh)

    def _settle(self) -> set[AppId]:
        """Return the least set of apps whose needs are all served from within it."""
        missing = {app: len(needs) for app, needs in self._fitting.items()}
        waiting_for: dict[AppId, list[Need]] = {}
        for needs in self._fitting.values():
            for need, fitting in needs.items():
                for provider in fitting:
                    waiting_for.setdefault(provider, []).append(need)
        grounded = {app for app, count in missing.items() if count == 0}
        ready, served = list(grounded), set[Need]()
        while ready:
            for need in waiting_for.get(ready.pop(), ()):
                if need in served:
                    continue
                served.add(need)
                missing[need[0]] -= 1
                if missing[need[0]] == 0:
                    grounded.add(need[0])
                    ready.append(need[0])
        return grounded
