"""What two apps exchange is sampled while somebody looks, from counters that start again with their container."""

from ipaddress import IPv4Network
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.dependency_resolver.plan import Edge, Plan
from archipelago.container.desired.state import DesiredState
from archipelago.container.manifest.model.interfaces import Wait
from archipelago.container.podman_client.models import ContainerState
from archipelago.container.reconciler.observer import Observation
from archipelago.container.reports import link_traffic
from archipelago.container.reports.link_traffic import LinkSample, LinkTraffic, rates
from archipelago.container.workload.networks import edge_network_name
from support.simulated_keeper import summary

NETWORK = IPv4Network("10.89.1.0/24")
OTHER = IPv4Network("10.89.0.0/24")
PAIR = ("electrum", "bitcoin")
SAMPLES = st.builds(
    LinkSample,
    st.floats(0, 1e9),
    st.dictionaries(st.tuples(st.sampled_from("ab"), st.sampled_from("cd")), st.integers(0, 1 << 60)),
)


@given(SAMPLES, SAMPLES)
def test_a_rate_is_never_negative_and_never_of_what_was_not_seen_twice(before: LinkSample, now: LinkSample) -> None:
    found = rates(before, now)
    assert found.keys() <= before.exchanged.keys() & now.exchanged.keys()
    assert all(each >= 0 for each in found.values())


class World:
    """One app that uses another; the test says what the kernel has counted."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.time, self.read = 0.0, 0
        self.counted = {NETWORK: 0, OTHER: 10**9}
        edge = Edge(consumer="electrum", interface="rpc", provider="bitcoin", wait=Wait.SERVING, optional=False)
        running = summary("electrum-main", ContainerState.RUNNING, pid=7)
        reconciler: Any = SimpleNamespace(
            desired=DesiredState({}, Plan(edges=(edge,))),
            observer=SimpleNamespace(last=Observation({"electrum": {running.name: running}})),
            networks={NETWORK: edge_network_name(*PAIR, ("rpc",)), OTHER: "archipelago-electrum"},
        )
        self.traffic = LinkTraffic(reconciler, lambda: self.time)
        patch.setattr(link_traffic, "read_counters", self._read)

    def _read(self, pid: int) -> dict[IPv4Network, int]:
        assert pid == 7
        self.read += 1
        return dict(self.counted)

    async def after(self, seconds: float, count: int) -> None:
        """Let time pass until the next sample, and the network count this."""
        self.time += seconds
        self.counted[NETWORK] = count
        await self.traffic.sample()


async def test_only_the_network_between_the_two_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    assert world.traffic.now() == {}
    await world.after(10, 1000)
    assert world.traffic.now() == {}
    await world.after(10, 6000)
    assert world.traffic.now() == {PAIR: 500.0}
    await world.after(10, 100)
    assert world.traffic.now() == {PAIR: 10.0}, "the container was started again"


async def test_nothing_is_read_while_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    await world.after(10, 0)
    assert world.read == 0
    world.traffic.now()
    for _ in range(20):
        await world.after(10, 0)
    assert world.read == 6
    assert world.traffic.now() == {}
