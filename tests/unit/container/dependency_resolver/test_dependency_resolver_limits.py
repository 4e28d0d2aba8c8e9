"""Whatever a catalog holds, a plan comes or is refused within bounds; and no limit is given as a proof."""

from typing import Any

from archipelago.container.dependency_resolver.errors import ResolutionCode
from archipelago.container.dependency_resolver.plan import Request
from archipelago.container.dependency_resolver.resolver import resolve
from archipelago.container.manifest.model.app import AppManifest
from support.catalogs import catalog_of, names, pigeons, provider, refused, rows_of_leases


def test_depth_is_no_limit() -> None:
    size = 3000
    chain = [provider(f"a{i}", f"x{i}", requires={f"x{i + 1}": {}} if i + 1 < size else {}) for i in range(size)]
    plan = resolve(catalog_of(*chain), {}, Request(install=("a0",)))
    assert names(plan) == [f"a{i}" for i in reversed(range(size))]


def test_a_way_past_many_cycles_is_found() -> None:
    def one(name: str, provides: str, requires: str = "", **parts: Any) -> AppManifest:
        return provider(name, *provides.split(), requires={interface: {} for interface in requires.split()}, **parts)

    catalog = catalog_of(
        one("r", "", "k6 k0"),
        one("a0", "i0 i3 k0", "i1 i4"),
        one("a1", "i3", "i0"),
        one("a5", "i1 i3"),
        one("a6", "i0 i4 k6", "i3"),
        one("a7", "i1 i4", "i0 i3", conflicts=[{"app": "a5", "because": "So it is"}]),
    )
    plan = resolve(catalog, {}, Request(install=("r",)))
    assert names(plan) == ["a5", "a6", "a0", "r"]
    assert plan == resolve(catalog, {}, Request(install=("r",), choices={"i3": "a5"})).model_copy(
        update={"apps": plan.apps}
    ), "what the owner can choose is found without him"


def test_twelve_leases_for_twelve_interfaces() -> None:
    plan = resolve(rows_of_leases(12, 12), {}, Request(install=("r",)))
    assert len(plan.apps) == 13


def test_a_few_apps_too_many_are_proven_to_be_so() -> None:
    assert refused(rows_of_leases(6, 5), Request(install=("r",))).reason is ResolutionCode.LEASE_TAKEN
    few = pigeons(5, 4)
    error = refused(few, Request(install=tuple(name for name in few if name.startswith("pigeon"))))
    assert error.reason is ResolutionCode.DEMAND_CONFLICT
