"""The search through alternative providers, as a problem for resolvelib."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, ResolutionTooDeep, Resolver

from archipelago.container.dependency_resolver.errors import Problem, ResolutionCode, ResolutionError
from archipelago.container.dependency_resolver.options import Demand, settle
from archipelago.container.dependency_resolver.world import World
from archipelago.container.manifest.model import Required
from archipelago.container.manifest.scalars import AppId, Name

Key = tuple[str, ...]
"""`app, id`; `need, consumer, interface`; or `token, …`."""

_ROUNDS = 2500
"""Bounds time and memory, as resolvelib keeps a state per round."""
_REMEMBERED = 200
"""Dead ends that are kept to explain a failure."""


@dataclass(frozen=True, slots=True)
class Node:
    """What resolvelib pins: an app, the provider to which a need is bound, or the side of a token that won."""

    key: Key
    value: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What resolvelib must satisfy: an app with a consumer's demands, a need, or a side of a token."""

    key: Key
    app: AppId
    """App on whose behalf it is there."""
    side: str = ""
    demands: tuple[Demand, ...] = ()


class Impossible(Exception):
    """No combination of providers holds."""

    def __init__(self, apps: Iterable[AppId], dead_ends: Sequence[Problem]) -> None:
        super().__init__("no combination of providers holds")
        self.apps = frozenset(apps)
        self.dead_ends = tuple(dead_ends)

    def blame(self, first: Problem) -> Problem:
        """Return the dead end that explains the failure best: the most preferred one that has to do with the last."""
        ends = [first, *self.dead_ends]
        best = next((end for end in ends if self.apps.intersection(end.apps)), ends[-1])
        others = list(dict.fromkeys(end.message for end in ends if end.message != best.message))
        data = {**best.data, "also_tried": others[:8]} if others else best.data
        return Problem(best.code, best.message, best.hint, data, best.apps, best.bindings)


def search(world: World, forbidden: frozenset[tuple[AppId, Name, AppId]]) -> dict[tuple[AppId, Name], AppId]:
    """Return a provider for each need that several fit; raises Impossible, or ResolutionError after too many steps."""
    provider = _Provider(world, forbidden)
    reporter = _Reporter(provider)
    roots = [Wish(("app", app), app) for app in world.roots]
    try:
        found = Resolver(provider, reporter).resolve(roots, max_rounds=_ROUNDS)
    except ResolutionImpossible as impossible:
        apps = {app for cause in impossible.causes for app in _apps(cause.requirement, cause.parent)}
        raise Impossible(apps, provider.dead_ends) from None
    except ResolutionTooDeep:
        tried = [problem.message for problem in provider.dead_ends[:8]]
        raise ResolutionError(
            ResolutionCode.TOO_COMPLEX,
            f"No combination of apps was found within {_ROUNDS} steps",
            "Ask for fewer apps at once, or choose providers yourself",
            {"tried": tried},
        ) from None
    return {(key[1], key[2]): node.value for key, node in found.mapping.items() if key[0] == "need"}


def _apps(wish: Wish, parent: Node | None) -> Iterator[AppId]:
    yield wish.app
    if wish.key[0] in ("app", "need"):
        yield wish.key[1]
    if parent is not None and parent.key[0] in ("app", "need"):
        yield parent.key[1]


class _Provider(AbstractProvider[Wish, Node, Key]):
    """Tells resolvelib what there is and what fits."""

    def __init__(self, world: World, forbidden: frozenset[tuple[AppId, Name, AppId]]) -> None:
        self._world = world
        self._forbidden = forbidden
        self._roots = frozenset(world.roots)
        self.pinned: Mapping[Key, Node] = {}
        self.dead_ends: list[Problem] = []

    def identify(self, requirement_or_candidate: Wish | Node) -> Key:
        """Return the key of a wish or node."""
        return requirement_or_candidate.key

    def narrow_requirement_selection(
        self, identifiers: Iterable[Key], *_args: object, **_more: object
    ) -> Iterable[Key]:
        """Put what leaves no choice first, so that a choice can fall on what is there anyway."""
        identifiers = list(identifiers)
        for identifier in identifiers:
            if identifier[0] != "need":
                return [identifier]
        return [min(identifiers)]

    def get_preference(self, identifier: Key, *_args: Any, **_more: Any) -> Any:
        """Return the key itself; the choice was made before."""
        return identifier

    def find_matches(
        self,
        identifier: Key,
        requirements: Mapping[Key, Iterator[Wish]],
        incompatibilities: Mapping[Key, Iterator[Node]],
    ) -> Iterable[Node] | Callable[[], Iterator[Node]]:
        """Return the nodes that satisfy all wishes; a dead end is kept to explain a failure."""
        barred = {node.value for node in incompatibilities[identifier]}
        wishes = list(requirements[identifier])
        match identifier[0]:
            case "app":
                return self._app(identifier, wishes, barred)
            case "need":
                return self._need(identifier, barred)
        sides = {wish.side: wish.app for wish in wishes}
        if len(sides) > 1:
            one, other, *_ = sides.values()
            self._dead_end(self._world.exclusion(identifier[1:], one, other))
            return ()
        return [Node(identifier, side) for side in sides if side not in barred]

    def _app(self, identifier: Key, wishes: list[Wish], barred: set[str]) -> Iterable[Node]:
        app = identifier[1]
        if app in barred:
            return ()
        problem = self._world.host_misfit(app)
        if problem is None:
            demands = [demand for wish in wishes for demand in wish.demands]
            settled = settle(self._world.apps[app], self._world.owner_options(app), demands)
            problem = settled if isinstance(settled, Problem) else None
        if problem is not None:
            self._dead_end(problem)
            return ()
        return [Node(identifier, app)]

    def _need(self, identifier: Key, barred: set[str]) -> Iterable[Node] | Callable[[], Iterator[Node]]:
        _, consumer, interface = identifier
        required = self._world.apps[consumer].requires[interface]
        allowed = [one for one in self._allowed(consumer, interface, required) if one not in barred]
        if not allowed:
            fitting = self._world.fit(consumer, interface, required).providers
            if not barred:
                self._dead_end(self._world.unserved(consumer, interface, required, fitting))
            return ()

        def rank(app: AppId) -> tuple[bool, bool, str]:
            return (app not in self._roots and ("app", app) not in self.pinned, app != required.default, app)

        return lambda: iter([Node(identifier, app) for app in sorted(allowed, key=rank)])

    def _allowed(self, consumer: AppId, interface: Name, required: Required) -> list[AppId]:
        fitting = self._world.fit(consumer, interface, required).providers
        return [one for one in fitting if (consumer, interface, one) not in self._forbidden]

    def is_satisfied_by(self, requirement: Wish, candidate: Node) -> bool:
        """Return whether a node still does for a wish; demands are looked at by `find_matches`, all at once."""
        return requirement.key[0] != "token" or requirement.side == candidate.value

    def get_dependencies(self, candidate: Node) -> Iterable[Wish]:
        """Return what comes with a node."""
        match candidate.key[0]:
            case "app":
                return self._of_app(candidate.value)
            case "need":
                _, consumer, interface = candidate.key
                return [self._of_binding(consumer, interface, candidate.value)]
        return ()

    def _of_app(self, app: AppId) -> list[Wish]:
        wishes = [Wish(("token", *token), app, side) for token, side in self._world.tokens(app)]
        for interface, required in sorted(self._world.apps[app].requires.items()):
            if required.optional:
                continue
            allowed = self._allowed(app, interface, required)
            if len(allowed) == 1:
                wishes.append(self._of_binding(app, interface, allowed[0]))
            else:
                wishes.append(Wish(("need", app, interface), app))
        return wishes

    def _of_binding(self, consumer: AppId, interface: Name, provider: AppId) -> Wish:
        required = self._world.apps[consumer].requires[interface]
        demands = tuple(Demand(option, consumer, interface, value) for option, value in required.demands.items())
        return Wish(("app", provider), consumer, demands=demands)

    def _dead_end(self, problem: Problem) -> None:
        if len(self.dead_ends) < _REMEMBERED:
            self.dead_ends.append(problem)


class _Reporter(BaseReporter[Wish, Node, Key]):
    """Lets the provider see what is pinned, as it prefers what is in the plan anyway."""

    def __init__(self, provider: _Provider) -> None:
        self._provider = provider

    def ending_round(self, index: int, state: Any) -> None:
        """Hand over the pins after each round."""
        self._provider.pinned = state.mapping
