"""The search through alternative providers. Pure.

It makes one choice after the other, always that which has the fewest alternatives left, and looks at once whether what
is there still goes together. A dead end is traced back to the choices that led to it. They are remembered as a nogood,
so that no part of the search is done twice, and the last of them is made again. When a dead end is traced back to no
choice at all, nothing holds, and that is a proof. (Conflict-directed backjumping with nogood learning: P. Prosser,
"Hybrid algorithms for the constraint satisfaction problem", 1993; M. Ginsberg, "Dynamic backtracking", 1993.)
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from archipelago.container.dependency_resolver.errors import Problem, ResolutionCode, ResolutionError
from archipelago.container.dependency_resolver.options import Demand, settle
from archipelago.container.dependency_resolver.order import path, ring_problem
from archipelago.container.dependency_resolver.search.grounds import Grounds
from archipelago.container.dependency_resolver.search.nogoods import (
    Choice,
    Need,
    Nogood,
    Nogoods,
    joined,
    without,
)
from archipelago.container.dependency_resolver.search.world import Token, World
from archipelago.container.manifest.model.scalars import AppId
from archipelago.support.texts.text import msg

_STEPS = 4_000_000
"""Bounds the time: a step looks at one app, binding or nogood, and takes some microseconds."""
_LEARNED = 200_000
"""Bounds the memory: choices in all nogoods together."""
_REMEMBERED = 200
"""Dead ends that are kept to explain a failure."""
_PROBLEMS = 8
"""Dead ends that are kept for each nogood."""


class Impossible(Exception):
    """No combination of providers holds."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Take the dead ends that prove it, in the order in which they were met."""
        super().__init__(msg("no combination of providers holds"))
        self.problems = tuple(problems)

    def blame(self, first: Problem) -> Problem:
        """Return the dead end that explains the failure best: that of the preferred providers, if it takes part."""
        met = any(end.message == first.message for end in self.problems)
        best = first if met or not self.problems else self.problems[0]
        others = list(dict.fromkeys(end.message for end in (first, *self.problems) if end.message != best.message))
        data = {**best.data, "also_tried": others[:_PROBLEMS]} if others else best.data
        return Problem(best.code, best.message, best.hint, data, best.apps, best.bindings)


def search(world: World) -> dict[Need, AppId]:
    """Return a provider for each need.

    Raises `Impossible` when there is none, and `ResolutionError` when that could not be found out within the limits.
    """
    return _Search(world).run()


class _Exhausted(Exception):
    """The search has come to a limit."""


class _Search:
    """One search. What it adds to its tables is logged, so that it can be taken back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._grounds = Grounds(world)
        self._steps = _STEPS
        self._nogoods = Nogoods()
        self._dead_ends: list[Problem] = []
        self._log: list[tuple[dict[Any, Any], Any]] = []
        self._apps: dict[AppId, Choice | None] = {}
        """Apps of the plan, each with the choice that brought it first; None where it is there in any case."""
        self._open: dict[Need, tuple[AppId, ...]] = {}
        """Needs of these apps that several providers fit."""
        self._bound: dict[Need, AppId] = {}
        self._uses: dict[AppId, dict[AppId, Need]] = {}
        """For each consumer its providers, with the first need that binds it there."""
        self._demands: dict[AppId, dict[Need, list[Demand]]] = {}
        self._sides: dict[Token, tuple[str, AppId]] = {}
        self._unsettled: dict[AppId, bool] = {}
        """Apps whose options do not go together as long as nobody demands more."""
        self._made: dict[Choice, int] = {}
        """Choices in the order in which they were made, with the length that the log had before."""

    def run(self) -> dict[Need, AppId]:
        """Return the providers."""
        try:
            dead = self._enter(dict.fromkeys(self._world.roots))
            while True:
                if dead is not None:
                    self._learn(dead)
                chosen = self._choose()
                if chosen is None:
                    dead = self._check_settled()
                    if dead is None:
                        return dict(self._bound)
                elif isinstance(chosen, Nogood):
                    dead = chosen
                else:
                    self._made[chosen] = len(self._log)
                    dead = self._bind(chosen[:2], chosen[2], chosen)
        except _Exhausted:
            raise self._undecided() from None

    # --- choices ------------------------------------------------------------------------------------------------------

    def _choose(self) -> Choice | Nogood | None:
        """Return the choice that is to be made next, why none can be, or None when all are made."""
        best: tuple[Need, list[AppId]] | None = None
        for need, candidates in self._open.items():
            if need in self._bound:
                continue
            self._spend(1)
            left, barred = self._left(need, candidates)
            if not left:
                because = Nogood(self._there(need[0]), frozenset())
                return joined([because, *without(barred)], _PROBLEMS)
            if len(left) == 1:
                return (*need, left[0])
            if best is None or need < best[0]:
                best = (need, left)
        if best is None:
            return None
        need, left = best
        default = self._world.apps[need[0]].requires[need[1]].default
        return (*need, min(left, key=lambda app: (app not in self._apps, app != default, app)))

    def _left(self, need: Need, candidates: Iterable[AppId]) -> tuple[list[AppId], list[tuple[Choice, Nogood]]]:
        left: list[AppId] = []
        barred: list[tuple[Choice, Nogood]] = []
        if not self._nogoods.about(need):
            return list(candidates), barred
        standing = set(self._made)
        for provider in candidates:
            choice = (*need, provider)
            nogoods = self._nogoods.of(choice)
            self._spend(len(nogoods))
            standing.add(choice)
            nogood = next((one for one in nogoods if one.choices <= standing), None)
            standing.remove(choice)
            if nogood is None:
                left.append(provider)
            else:
                barred.append((choice, nogood))
        return left, barred

    def _learn(self, dead: Nogood) -> None:
        """Remember why nothing holds, and take back the last choice that it is due to. Raises `Impossible`."""
        if not dead.choices:
            raise Impossible(self._dead_ends[number] for number in sorted(dead.problems))
        self._nogoods.add(dead)
        if self._nogoods.size > _LEARNED:
            raise _Exhausted
        since = max(self._made[choice] for choice in dead.choices)
        while self._made and self._made[next(reversed(self._made))] >= since:
            self._made.popitem()
        while len(self._log) > since:
            table, key = self._log.pop()
            del table[key]

    # --- what follows from a choice -----------------------------------------------------------------------------------

    def _enter(self, apps: dict[AppId, Choice | None]) -> Nogood | None:
        """Take apps into the plan with all that follows without a choice, or return why that cannot be."""
        for app, why in apps.items():
            self._add(self._apps, app, why)
        waiting = deque(apps)
        while waiting:
            app = waiting.popleft()
            self._spend(1)
            problem = self._world.host_misfit(app) or self._take_sides(app) or self._settle(app)
            if problem is not None:
                return self._dead_end(problem)
            for interface, required in self._world.apps[app].requires.items():
                if required.optional:
                    continue
                fitting = self._grounds.providers((app, interface))
                self._spend(len(fitting))
                if not fitting:
                    self._spend(len(self._world.providers(interface)))
                    return self._dead_end(self._grounds.why_not((app, interface)), self._there(app))
                if len(fitting) > 1:
                    self._add(self._open, (app, interface), fitting)
                    continue
                dead = self._connect((app, interface), fitting[0])
                if dead is not None:
                    return dead
                if fitting[0] not in self._apps:
                    self._add(self._apps, fitting[0], self._apps[app])
                    waiting.append(fitting[0])
        return None

    def _bind(self, need: Need, provider: AppId, choice: Choice) -> Nogood | None:
        dead = self._connect(need, provider)
        if dead is None and provider not in self._apps:
            dead = self._enter({provider: choice})
        return dead

    def _connect(self, need: Need, provider: AppId) -> Nogood | None:
        """Bind a need to a provider, or return why that cannot be."""
        consumer, interface = need
        self._add(self._bound, need, provider)
        uses = self._uses.setdefault(consumer, {})
        if provider not in uses:
            self._add(uses, provider, need)
            back = path(provider, consumer, self._uses, lambda _app: self._spend(1))
            if back is not None:
                return self._dead_end(self._cycle(back))
        demanded = self._world.apps[consumer].requires[interface].demands
        if not demanded:
            return None
        demands = [Demand(option, consumer, interface, value) for option, value in demanded.items()]
        self._add(self._demands.setdefault(provider, {}), need, demands)
        problem = self._settle(provider)
        return self._dead_end(problem) if problem is not None else None

    def _cycle(self, back: tuple[AppId, ...]) -> Problem:
        """Return the refusal of a cycle; `back` leads from the last provider to its consumer."""
        self._spend(len(back))
        steps = zip(back, (*back[1:], back[0]), strict=True)
        return ring_problem([(*self._uses[consumer][provider], provider) for consumer, provider in steps])

    def _take_sides(self, app: AppId) -> Problem | None:
        for token, side in self._world.tokens(app):
            self._spend(1)
            other = self._sides.get(token)
            if other is None:
                self._add(self._sides, token, (side, app))
            elif other[0] != side:
                return self._world.exclusion(token, other[1], app)
        return None

    # --- options ------------------------------------------------------------------------------------------------------

    def _settle(self, app: AppId) -> Problem | None:
        """Return why the options of an app cannot go together, whatever else is demanded of it."""
        problem = self._options_of(app)
        if problem is not None and self._world.curable(app, problem):
            if app not in self._unsettled:
                self._add(self._unsettled, app, True)
            return None
        return problem

    def _check_settled(self) -> Nogood | None:
        """Return why the options of an app do not go together, now that nothing more is demanded."""
        for app in sorted(self._unsettled):
            problem = self._options_of(app)
            if problem is not None:
                return self._dead_end(problem, frozenset((*self._behind(problem), *self._missed(app, problem))))
        return None

    def _missed(self, app: AppId, problem: Problem) -> Iterator[Choice]:
        """Yield the choices that kept the demand away which would have solved a problem."""
        cures = self._world.cures
        demanders = cures.demanders(self._world.apps[app], problem.cures)
        leading = cures.leading_to(demanders)
        for choice in self._made:
            candidates = self._open[choice[:2]]
            self._spend(len(candidates))
            if choice[0] in demanders or not leading.isdisjoint(candidates):
                yield choice

    def _options_of(self, app: AppId) -> Problem | None:
        demands = [demand for ones in self._demands.get(app, {}).values() for demand in ones]
        self._spend(1 + len(demands))
        settled = settle(self._world.apps[app], self._world.owner_options(app), demands)
        return settled if isinstance(settled, Problem) else None

    # --- dead ends and limits -----------------------------------------------------------------------------------------

    def _dead_end(self, problem: Problem, choices: frozenset[Choice] | None = None) -> Nogood:
        """Return a problem as what its choices prove: those given, else all that lead to it."""
        numbers: frozenset[int] = frozenset()
        if len(self._dead_ends) < _REMEMBERED:
            numbers = frozenset((len(self._dead_ends),))
            self._dead_ends.append(problem)
        return Nogood(frozenset(self._behind(problem)) if choices is None else choices, numbers)

    def _behind(self, problem: Problem) -> Iterator[Choice]:
        for choice in problem.bindings:
            if choice[:2] in self._open:
                yield choice
            else:
                yield from self._there(choice[0])
        for app in problem.apps:
            yield from self._there(app)

    def _there(self, app: AppId) -> frozenset[Choice]:
        """Return why an app is in the plan: a choice, which holds only while its own consumer is there too."""
        why = self._apps.get(app)
        return frozenset() if why is None else frozenset((why,))

    def _add(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        table[key] = value
        self._log.append((table, key))

    def _spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise _Exhausted

    def _undecided(self) -> ResolutionError:
        interfaces = self._nogoods.busiest()
        several = ", ".join(interfaces)
        return ResolutionError(
            ResolutionCode.TOO_COMPLEX,
            msg(
                "Whether these apps can be installed together could not be decided within the limit; there may be a way"
            ),
            msg("Choose providers yourself (--choose INTERFACE=APP), above all of {several}", several=several)
            if interfaces
            else msg("Ask for fewer apps at once"),
            {"interfaces": list(interfaces), "tried": [problem.message for problem in self._dead_ends[:_PROBLEMS]]},
        )
