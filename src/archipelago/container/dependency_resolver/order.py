"""Start order and cycles of apps that use each other. Nothing here recurses, so depth does not matter."""

import heapq
from collections.abc import Collection, Iterable, Mapping


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
    seen = {start}
    waiting = [start]
    while waiting:
        node = waiting.pop()
        if node == goal:
            return True
        fresh = [following for following in needs.get(node, ()) if following not in seen]
        seen.update(fresh)
        waiting += fresh
    return False


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
