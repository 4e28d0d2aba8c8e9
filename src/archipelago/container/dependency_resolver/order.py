"""Start order and cycles of apps that use each other. Nothing here recurses, so depth does not matter."""

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from archipelago.container.dependency_resolver.errors import Problem, ResolutionCode
from archipelago.container.manifest.model.scalars import AppId, Name
from archipelago.support.texts.text import joined, msg


def find_cycle(nodes: Iterable[str], needs: Mapping[str, Collection[str]]) -> tuple[str, ...] | None:
    """Return one cycle, closed (`a, b, a`), or None; the same one whatever the order of the mapping."""
    done: set[str] = set()
    for start in sorted(nodes):
        if start in done:
            continue
        path: list[str] = [start]
        on_path = {start}
        stack = [iter(sorted(needs.get(start, ())))]
        while stack:
            following = next(stack[-1], None)
            if following is None:
                stack.pop()
                last = path.pop()
                on_path.discard(last)
                done.add(last)
            elif following in on_path:
                return (*path[path.index(following) :], following)
            elif following not in done:
                path.append(following)
                on_path.add(following)
                stack.append(iter(sorted(needs.get(following, ()))))
    return None


def reaches(start: str, goal: str, needs: Mapping[str, Collection[str]]) -> bool:
    """Return whether one app needs another, be it through others."""
    return path(start, goal, needs) is not None


def path(
    start: str, goal: str, needs: Mapping[str, Iterable[str]], visit: Callable[[str], object] = lambda _node: None
) -> tuple[str, ...] | None:
    """Return how one app needs another, from `start` to `goal`, or None; `visit` is called for each app on the way."""
    came_from = {start: start}
    waiting = [start]
    while waiting:
        node = waiting.pop()
        visit(node)
        if node == goal:
            steps = [goal]
            while steps[-1] != start:
                steps.append(came_from[steps[-1]])
            return tuple(reversed(steps))
        fresh = [following for following in needs.get(node, ()) if following not in came_from]
        came_from.update(dict.fromkeys(fresh, node))
        waiting += fresh
    return None


def cycle_problem(cycle: tuple[AppId, ...], bindings: Iterable[tuple[AppId, Name, AppId]]) -> Problem:
    """Return the refusal of apps that each need the next; `cycle` is closed."""
    bindings = tuple(bindings)
    hows = joined(
        [
            msg("{consumer} needs {interface} of {provider}", consumer=consumer, interface=interface, provider=provider)
            for consumer, interface, provider in bindings
        ],
        "; ",
    )
    return Problem(
        ResolutionCode.CYCLE,
        msg(
            "These apps need each other, so none could start first: {cycle}. {hows}", cycle=" → ".join(cycle), hows=hows
        ),
        msg("One of the requirements must become optional; report it to the packagers"),
        {"cycle": list(cycle)},
        tuple(dict.fromkeys(cycle)),
        bindings,
    )


def ring_problem(steps: Sequence[tuple[AppId, Name, AppId]]) -> Problem:
    """Return the refusal of apps that each need the next; the last step leads to where the first one starts."""
    first = steps.index(min(steps))
    turned = (*steps[first:], *steps[:first])
    return cycle_problem((*(consumer for consumer, _, _ in turned), turned[0][0]), turned)


def start_order(nodes: Collection[str], needs: Mapping[str, Collection[str]]) -> list[str]:
    """Return the nodes, providers first and by name where that leaves a choice; there must be no cycle."""
    open_needs = {node: len(needs.get(node, ())) for node in nodes}
    dependents: dict[str, list[str]] = {}
    for node in nodes:
        for need in needs.get(node, ()):
            dependents.setdefault(need, []).append(node)
    ready = [node for node, count in open_needs.items() if count == 0]
    heapq.heapify(ready)
    order = []
    while ready:
        node = heapq.heappop(ready)
        order.append(node)
        for dependent in dependents.get(node, ()):
            open_needs[dependent] -= 1
            if open_needs[dependent] == 0:
                heapq.heappush(ready, dependent)
    return order
