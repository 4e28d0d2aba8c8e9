"""Whatever a catalog holds, a plan comes or is refused within bounds; and no limit is told as a proof."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from archipelago.container.dependency_resolver.errors import ResolutionCode, ResolutionError
from archipelago.container.dependency_resolver.plan import Request
from archipelago.container.dependency_resolver.resolver import resolve
from archipelago.container.manifest.model.app import AppManifest
from support.app_manifests import app
from support.catalogs import OPTIONS, catalog_of, consumer, provider, refused

MEMORY = 256 << 20
SECONDS = 30
"""Of processor time. It takes about one second."""


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
