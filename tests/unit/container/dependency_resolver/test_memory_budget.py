"""Whether what apps are promised fits the host."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.dependency_resolver.memory_budget import NODE_MEMORY, MemoryBudget
from archipelago.container.dependency_resolver.plan import InstalledApp, Request
from archipelago.container.dependency_resolver.resolver import resolve
from archipelago.container.manifest.loader import load_manifest
from archipelago.container.manifest.model.app import AppManifest, Architecture

GIB = 1024**3
LIMITS = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 8 * GIB))
HOST = HostFacts(Architecture.AMD64, memory=4 * GIB, cores=4, free_disk=100 * GIB)


def app(name: str, memory: str, more: str = "") -> AppManifest:
    text = f"""
manifest: 1
id: {name}
name: {name.title()}
version: 1
summary: A test
description: A test
category: other
license: MIT
containers:
  main:
    image: "example.org/x@sha256:{"a" * 64}"
    resources: {{memory: {memory}}}
{more}
"""
    return load_manifest(text, name)


def warnings(*installed: AppManifest, running: bool = True, memory: int = 4, own: int | None = None) -> list[str]:
    """Return what a plan to install `new`, of 1 GiB, says about memory; `own` is what the owner lets others take."""
    there = {each.id: InstalledApp(each, running=running, memory=own) for each in installed}
    new = app("new", "1GiB")
    host = HostFacts(Architecture.AMD64, memory=memory * GIB, cores=4, free_disk=100 * GIB)
    plan = resolve({**{each.id: each for each in installed}, "new": new}, there, Request(install=("new",)), host)
    return [each for each in plan.warnings if "memory" in each]


def test_a_plan_that_fits_says_nothing() -> None:
    assert warnings(app("old", "2GiB")) == []


def test_a_plan_that_does_not_fit_says_which_apps_by_how_much_and_which_to_stop() -> None:
    (found,) = warnings(app("old", "2GiB"), app("older", "1GiB"))
    assert found == (
        "These apps may take 0.5 GiB of memory more than this host has: Old 2.0 GiB, New 1.0 GiB, Older 1.0 GiB, and "
        "0.5 GiB for the node; it is enough without Older"
    )


def test_what_the_owner_lets_an_app_take_counts_and_not_its_manifest() -> None:
    assert warnings(app("old", "8GiB"), own=2 * GIB) == []
    (found,) = warnings(app("old", "1GiB"), own=3 * GIB)
    assert "Old 3.0 GiB" in found


def test_an_app_that_its_owner_stopped_is_promised_nothing() -> None:
    assert warnings(app("old", "8GiB"), running=False) == []


def test_nobody_is_told_to_stop_what_has_keys_to_money() -> None:
    funds = "    mounts: [{volume: keys, path: /keys}]\nvolumes: {keys: {data: files, funds: true}}"
    (found,) = warnings(app("old", "6GiB", funds))
    assert found.endswith("and 0.5 GiB for the node")


@given(st.integers(GIB, 64 * GIB), LIMITS, st.frozensets(st.sampled_from("abcdef")))
def test_what_is_left_after_the_advice_fits_and_none_of_it_is_superfluous(
    host: int, limits: dict[str, int], candidates: frozenset[str]
) -> None:
    budget = MemoryBudget(host, limits)
    assert (budget.missing == 0) == (NODE_MEMORY + sum(limits.values()) <= host)
    advice = budget.to_stop(candidates)
    assert candidates.issuperset(advice)
    if advice:
        left = {app: limit for app, limit in limits.items() if app not in advice}
        assert MemoryBudget(host, left).missing == 0
        for app in advice[:-1]:
            assert limits[app] >= limits[advice[-1]]
    elif budget.missing:
        left = {app: limit for app, limit in limits.items() if app not in candidates}
        assert MemoryBudget(host, left).missing > 0


@pytest.mark.parametrize("missing", [0, 1])
def test_the_edge(missing: int) -> None:
    assert MemoryBudget(NODE_MEMORY + 10, {"a": 10 + missing}).missing == missing
