"""What each app may take of the host, and what of it is promised."""

from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.dependency_resolver.memory_budget import NODE_MEMORY
from archipelago.container.manifest.loader import load_manifest
from archipelago.container.manifest.model.app import AppManifest, Architecture
from archipelago.performance.resource_manager.budgets import (
    LEAST_MEMORY,
    LEAST_PIDS,
    AppBudget,
    budgets,
    container_budgets,
    least_memory,
    memory_for_apps,
    shared_out,
)
from archipelago.performance.resource_manager.pause_order import Rank, RankedApp
from archipelago.storage.records.limits import OwnLimits

MIB = 1024**2
GIB = 1024**3


def host(memory: int) -> HostFacts:
    return HostFacts(Architecture.AMD64, memory=memory, cores=4, free_disk=100 * GIB)


def app(name: str, *memory: int, more: str = "") -> AppManifest:
    containers = "\n".join(
        f'  c{number}: {{image: "example.org/x@sha256:{"a" * 64}", resources: {{memory: {each}, pids: 100}}}}'
        for number, each in enumerate(memory)
    )
    return load_manifest(
        f"manifest: 1\nid: {name}\nname: {name}\nversion: 1\nsummary: A test\ndescription: A test\ncategory: other\n"
        f"license: MIT\n{more}\ncontainers:\n{containers}\n",
        name,
    )


SIZES = st.lists(st.integers(LEAST_MEMORY, 9 * GIB), min_size=1, max_size=3)
APPS = st.lists(st.tuples(SIZES, st.sampled_from(Rank), st.booleans()), max_size=6)
OWN = st.builds(
    OwnLimits,
    memory=st.none() | st.integers(1, 16 * GIB),
    cpu=st.none() | st.floats(0.01, 4),
    cpu_weight=st.none() | st.integers(1, 10_000),
    pids=st.none() | st.integers(1, 1000),
    disk=st.none() | st.integers(0, GIB),
)


@given(memory=st.integers(0, 16 * GIB), apps=APPS, own=st.dictionaries(st.sampled_from("abcdef"), OWN))
def test_promises_never_exceed_the_host_nor_a_limit(
    memory: int, apps: list[tuple[list[int], Rank, bool]], own: dict[str, OwnLimits]
) -> None:
    manifests = {name: app(name, *sizes) for name, (sizes, _, _) in zip("abcdef", apps, strict=False)}
    running = [RankedApp(name, rank) for name, (_, rank, runs) in zip("abcdef", apps, strict=False) if runs]
    found = budgets(host(memory), manifests, running, own)
    assert found.keys() == manifests.keys()
    assert sum(each.promised for each in found.values()) + min(NODE_MEMORY, memory) <= memory
    ranks = {each.app: each.rank for each in running}
    for name, each in found.items():
        assert 0 <= each.promised <= each.memory and each.own == own.get(name, OwnLimits())
        assert each.memory <= max(memory_for_apps(host(memory)), least_memory(manifests[name]))
        assert name in ranks or each.promised == 0
    # Nobody goes short while a lower rank is promised anything.
    for first in ranks:
        for second in ranks:
            if ranks[first] > ranks[second] and found[second].promised:
                assert found[first].promised == found[first].memory


@given(sizes=SIZES, own=OWN, memory=st.integers(0, 16 * GIB))
def test_the_containers_of_an_app_share_what_it_may_take(sizes: list[int], own: OwnLimits, memory: int) -> None:
    manifest = app("a", *sizes)
    (budget,) = budgets(host(memory), {"a": manifest}, [RankedApp("a", Rank.BACKGROUND)], {"a": own}).values()
    shares = container_budgets(manifest, budget)
    assert shares.keys() == manifest.containers.keys()
    assert sum(each.memory for each in shares.values()) <= budget.memory
    assert sum(each.promised for each in shares.values()) <= budget.promised
    assert sum(each.pids for each in shares.values()) <= budget.pids
    assert all(each.memory >= LEAST_MEMORY and each.pids >= LEAST_PIDS for each in shares.values())
    assert abs(sum(each.cpu for each in shares.values()) - budget.cpu) < 1e-6


@given(sizes=SIZES)
def test_an_app_that_fits_gets_exactly_what_its_manifest_says(sizes: list[int]) -> None:
    manifest = app("a", *sizes)
    (budget,) = budgets(host(64 * GIB), {"a": manifest}, [RankedApp("a", Rank.CHAIN)], {}).values()
    assert budget.memory == budget.promised == sum(sizes)
    assert [each.memory for each in container_budgets(manifest, budget).values()] == sizes
    assert [each.pids for each in container_budgets(manifest, budget).values()] == [100] * len(sizes)


@given(whole=st.integers(0, 1000), sizes=st.dictionaries(st.sampled_from("abcd"), st.integers(3, 400), min_size=1))
def test_nothing_is_shared_out_twice(whole: int, sizes: dict[str, int]) -> None:
    shares = shared_out(whole, sizes, 3)
    assert sum(shares.values()) <= max(whole, 3 * len(sizes))
    assert min(shares.values()) >= 3
    assert shares == sizes or whole != sum(sizes.values())


def of_one(rank: Rank, own: OwnLimits = OwnLimits(), more: str = "") -> AppBudget:  # noqa: B008 - a value
    return budgets(host(4 * GIB), {"a": app("a", GIB, more=more)}, [RankedApp("a", rank)], {"a": own})["a"]


def test_what_is_paused_last_weighs_most() -> None:
    weights = [of_one(rank).cpu_weight for rank in sorted(Rank)]
    assert weights == sorted(weights) and weights[0] < weights[-1]
    assert of_one(Rank.CHAIN, OwnLimits(cpu_weight=7, io_weight=8)).cpu_weight == 7


def test_the_owner_sets_a_limit_of_disk_and_takes_one_away() -> None:
    assert of_one(Rank.BACKGROUND).disk is None
    assert of_one(Rank.BACKGROUND, more="disk_limit: 20GB").disk == 20 * 1000**3
    assert of_one(Rank.BACKGROUND, OwnLimits(disk=GIB), more="disk_limit: 20GB").disk == GIB
    assert of_one(Rank.BACKGROUND, OwnLimits(disk=0), more="disk_limit: 20GB").disk is None


def test_an_app_may_not_take_more_than_the_host_has() -> None:
    assert budgets(host(4 * GIB), {"a": app("a", 64 * GIB)}, [], {})["a"].memory == 4 * GIB - 512 * MIB
