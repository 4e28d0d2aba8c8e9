"""Whatever a catalog holds, a plan comes or is refused within bounds; and no limit is given as a proof."""

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archipelago.container.dependency_resolver.errors import ResolutionCode, ResolutionError
from archipelago.container.dependency_resolver.plan import Request
from archipelago.container.dependency_resolver.resolver import resolve
from archipelago.container.manifest.model.app import AppManifest
from support.app_manifests import app
from support.catalogs import OPTIONS, catalog_of, consumer, names, provider, refused

MEMORY = 256 << 20
SECONDS = 30
"""Of processor time. It takes less than one second."""


def rows_of_leases(interfaces: int, leases: int) -> dict[str, AppManifest]:
    """Return an app that needs several interfaces, each of which some apps provide that hold one of a few leases."""
    rows = [
        provider(f"p{number}-{lease}", f"s{number}", leases=[f"lease-{lease}"])
        for number in range(interfaces)
        for lease in range(leases)
    ]
    return catalog_of(app("r", requires={f"s{number}": {} for number in range(interfaces)}), *rows)


def pigeons(count: int, holes: int) -> dict[str, AppManifest]:
    """Return apps each of which needs a hole of its own, which a search sees only by trying all."""
    hole = {"container": "main", "port": 1, "accepts": ["cache"]}
    apps = [consumer(f"pigeon{number}", "hole", {"demands": {"cache": number}}) for number in range(count)]
    return catalog_of(*(app(f"hole{one}", options=OPTIONS, provides={"hole": hole}) for one in range(holes)), *apps)


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


@pytest.mark.parametrize("kind", ["leases", "pigeons"])
def test_a_search_without_end_ends_within_its_bounds(kind: str) -> None:
    here = Path(__file__)
    child = subprocess.run(
        [sys.executable, here, kind],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert child.returncode == 0, child.stderr
    reason, message, hint = child.stdout.splitlines()
    assert reason == ResolutionCode.TOO_COMPLEX
    assert "could not be decided within the limit" in message, "nothing was proven"
    assert "--choose" in hint
    assert ("above all of s" in hint) == (kind == "leases")


def _main(kind: str) -> None:
    """Resolve with little memory and time, and print the refusal."""

    catalog = rows_of_leases(12, 11) if kind == "leases" else pigeons(9, 8)
    wanted = ("r",) if kind == "leases" else tuple(name for name in catalog if name.startswith("pigeon"))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        resolve(catalog, {}, Request(install=wanted))
    except ResolutionError as error:
        print(error.reason, error.message, error.hint, sep="\n")


if __name__ == "__main__":
    _main(sys.argv[1])
