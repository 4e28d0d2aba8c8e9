"""Which limits an owner can set, and what is refused because it would kill what runs."""

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.manifest.loader import load_manifest
from archipelago.container.manifest.model.app import AppManifest, Architecture
from archipelago.container.manifest.package import load_package
from archipelago.container.operations.limits import AppLimits, check_limits
from archipelago.container.podman_client.labels import CONTAINER
from archipelago.container.podman_client.models import ContainerState
from archipelago.errors import ErrorCode, NodeError
from archipelago.performance.control_groups import ControlGroups
from archipelago.performance.resource_manager.budgets import budgets
from archipelago.performance.resource_manager.pause_order import RankedApp, rank_of
from archipelago.storage.records.limits import OwnLimits
from support.app_manifests import app
from support.checkout import APPS
from support.manifests import as_yaml, manifest

MIB, GIB = 1024**2, 1024**3
HOST = HostFacts(Architecture.AMD64, memory=4 * GIB, cores=4, free_disk=100 * GIB)
SHOP = load_manifest(as_yaml(manifest(containers__main__resources={"memory": "256MiB"})), "shop")
_IMAGE = app("pair").containers["main"].image
PAIR = app(
    "pair",
    containers={
        "main": {"image": _IMAGE, "resources": {"memory": "768MiB"}},
        "small": {"image": _IMAGE, "resources": {"memory": "256MiB"}},
    },
)
KNOTS = load_package(APPS / "bitcoin-knots").manifest


class Store:
    """Remembers the limits of apps."""

    def __init__(self) -> None:
        self.all: dict[str, OwnLimits] = {}

    async def keep(self, app: str, limits: OwnLimits) -> None:
        self.all[app] = limits


class World:
    """One app that runs, and needs so much memory, or so much by container; `own` is what its owner set before."""

    def __init__(
        self,
        one: AppManifest,
        needed: int | Mapping[str, int],
        *,
        running: bool = True,
        own: OwnLimits | None = None,
        host: HostFacts = HOST,
    ) -> None:
        self.store, self.applied = Store(), 0
        if own is not None:
            self.store.all[one.id] = own
        needs = dict.fromkeys(one.containers, needed) if isinstance(needed, int) else needed
        state = ContainerState.RUNNING if running else ContainerState.EXITED
        up = {
            name: SimpleNamespace(pid=pid, state=state, labels={CONTAINER: name})
            for pid, name in enumerate(one.containers)
        }
        found = SimpleNamespace(record=SimpleNamespace(package=SimpleNamespace(manifest=one)))
        known = budgets(host, {one.id: one}, [RankedApp(one.id, rank_of(one))], self.store.all)
        seen = SimpleNamespace(of=lambda _: up)
        reconciler = SimpleNamespace(
            desired=SimpleNamespace(apps={one.id: found}, budgets=known), observer=SimpleNamespace(last=seen)
        )
        names = list(one.containers)
        groups = cast(
            ControlGroups, SimpleNamespace(needed_memory=lambda pids: sum(needs[names[each]] for each in pids))
        )
        self.limits = AppLimits(cast(Any, self.store), cast(Any, reconciler), groups, host, self.apply)

    async def apply(self) -> None:
        self.applied += 1


async def test_limits_are_set_one_by_one_and_taken_back() -> None:
    world = World(SHOP, 0)
    await world.limits.change("shop", {"memory": 128 * MIB, "cpu": 0.5}, ())
    await world.limits.change("shop", {"cpu_weight": 300}, ("cpu",))
    assert world.store.all == {"shop": OwnLimits(memory=128 * MIB, cpu_weight=300)}
    assert world.applied == 2


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"memory": 4 * GIB}, "from 16.0 MiB to 3.5 GiB"),
        ({"memory": 15 * MIB}, "from 16.0 MiB to 3.5 GiB"),
        ({"cpu": 5.0}, "4 processors"),
        ({"cpu": 0.001}, "4 processors"),
        ({"pids": 3}, "at least 4 processes"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(limits: dict[str, float], words: str) -> None:
    world = World(SHOP, 0)
    with pytest.raises(NodeError, match=words) as refused:
        await world.limits.change("shop", limits, ())
    assert refused.value.code is ErrorCode.INVALID_VALUE
    assert (world.store.all, world.applied) == ({}, 0)


async def test_an_app_that_is_not_installed_has_no_limits() -> None:
    with pytest.raises(NodeError) as refused:
        await World(SHOP, 0).limits.change("tor", {"cpu": 1}, ())
    assert refused.value.code is ErrorCode.NOT_INSTALLED


async def test_less_memory_than_an_app_needs_now_would_kill_it() -> None:
    world = World(SHOP, 100 * MIB)
    await world.limits.change("shop", {"memory": 100 * MIB}, ())
    with pytest.raises(NodeError, match=r"uses 100\.0 MiB now") as refused:
        await world.limits.change("shop", {"memory": 99 * MIB}, ())
    assert refused.value.code is ErrorCode.STILL_NEEDED
    await world.limits.change("shop", {"memory": 2 * GIB}, ())
    await World(SHOP, 100 * MIB, running=False).limits.change("shop", {"memory": 99 * MIB}, ())


async def test_a_chain_daemon_that_runs_keeps_the_memory_by_which_it_sized_its_cache() -> None:
    with pytest.raises(NodeError, match="sized its cache"):
        await World(KNOTS, 0).limits.change("bitcoin-knots", {"memory": 2 * GIB}, ())
    await World(KNOTS, 0).limits.change("bitcoin-knots", {"memory": 3 * GIB + GIB // 4}, ())
    await World(KNOTS, 0, running=False).limits.change("bitcoin-knots", {"memory": GIB}, ())


async def test_a_chain_daemon_that_runs_is_not_taken_back_to_less_either() -> None:
    big, own = replace(HOST, memory=32 * GIB), OwnLimits(memory=16 * GIB)
    with pytest.raises(NodeError, match="sized its cache"):
        await World(KNOTS, 0, own=own, host=big).limits.change("bitcoin-knots", {}, ("memory",))
    await World(KNOTS, 0, own=own, host=big, running=False).limits.change("bitcoin-knots", {}, ("memory",))


async def test_an_app_is_not_taken_back_to_less_than_it_uses() -> None:
    own = OwnLimits(memory=GIB)
    with pytest.raises(NodeError, match=r"uses 300\.0 MiB now: with 256\.0 MiB"):
        await World(SHOP, 300 * MIB, own=own).limits.change("shop", {}, ("memory",))
    await World(SHOP, 200 * MIB, own=own).limits.change("shop", {}, ("memory",))


async def test_each_container_needs_its_own_share() -> None:
    limits = {"memory": 256 * MIB}
    with pytest.raises(NodeError, match=r"\(small\) uses 120\.0 MiB now: with 70\.2 MiB"):
        await World(PAIR, {"main": 0, "small": 120 * MIB}).limits.change("pair", limits, ())
    await World(PAIR, {"main": 180 * MIB, "small": 60 * MIB}).limits.change("pair", limits, ())


@given(memory=st.integers(0, 1 << 40), cpu=st.floats(0.001, 100), pids=st.integers(1, 100))
def test_what_is_accepted_is_what_the_app_gets(memory: int, cpu: float, pids: int) -> None:
    own = OwnLimits(memory=memory, cpu=cpu, pids=pids)
    try:
        check_limits(HOST, SHOP, own)
    except NodeError:
        return
    (budget,) = budgets(HOST, {"shop": SHOP}, [], {"shop": own}).values()
    assert (budget.memory, budget.cpu, budget.pids) == (memory, cpu, pids)
