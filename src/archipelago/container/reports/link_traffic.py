"""How much apps and the apps that they use exchange now: sampled only while somebody looks at the list of apps."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

from archipelago.container.networks.counters import read_counters
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.container.reconciler.seen import is_running
from archipelago.container.workload.networks import links

_WANTED_FOR = 60.0
"""Seconds after the last look for which samples are still taken."""

Pair = tuple[str, str]
"""Ids of an app and of one that it uses."""


@dataclass(frozen=True, slots=True)
class LinkSample:
    """Bytes that were exchanged by each pair until a moment of the steady clock, in both directions."""

    at: float
    exchanged: Mapping[Pair, int]


def rates(before: LinkSample, now: LinkSample) -> dict[Pair, float]:
    """Return bytes per second of each pair between two samples; of one that was not there before, nothing."""
    seconds = now.at - before.at
    if seconds <= 0:
        return {}
    found = {}
    for pair, count in now.exchanged.items():
        if (earlier := before.exchanged.get(pair)) is not None:
            # A container that was started again counts from zero.
            found[pair] = round((count - earlier if count >= earlier else count) / seconds, 1)
    return found


class LinkTraffic:
    """Reads the counters of the networks between apps; each pair has a network of its own."""

    def __init__(self, reconciler: Reconciler, steady: Callable[[], float]) -> None:
        self._reconciler = reconciler
        self._steady = steady
        self._looked_at: float | None = None
        self._last: LinkSample | None = None
        self._rates: Mapping[Pair, float] = {}

    def now(self) -> Mapping[Pair, float]:
        """Return bytes per second of each pair, in the sample of the last ten seconds, and go on sampling."""
        self._looked_at = self._steady()
        return self._rates

    async def sample(self) -> None:
        """Take a sample where somebody looks."""
        if self._looked_at is None or self._steady() - self._looked_at > _WANTED_FOR:
            self._last, self._rates = None, {}
            return
        runs = self._runs()
        exchanged = await asyncio.to_thread(_exchanged, runs, self._reconciler.networks) if runs else {}
        before, self._last = self._last, LinkSample(self._steady(), exchanged)
        self._rates = rates(before, self._last) if before is not None else {}

    def _runs(self) -> tuple[tuple[Mapping[str, Pair], tuple[int, ...]], ...]:
        """Return for each app that uses others its pairs, by network, and the first processes of its containers."""
        pairs: dict[str, dict[str, Pair]] = {}
        for link in links(self._reconciler.desired.plan.edges):
            pairs.setdefault(link.consumer, {})[link.network] = (link.consumer, link.provider)
        seen = self._reconciler.observer.last
        return tuple(
            (networks, tuple(each.pid for each in seen.of(app).values() if is_running(each) and each.pid > 0))
            for app, networks in pairs.items()
        )


def _exchanged(
    runs: Iterable[tuple[Mapping[str, Pair], tuple[int, ...]]], names: Mapping[IPv4Network, str]
) -> dict[Pair, int]:
    found: dict[Pair, int] = {}
    for pairs, processes in runs:
        for pid in processes:
            try:
                counters = read_counters(pid)
            except OSError:
                continue  # it has just ended
            for network, count in counters.items():
                if (pair := pairs.get(names.get(network, ""))) is not None:
                    found[pair] = found.get(pair, 0) + count
    return found
