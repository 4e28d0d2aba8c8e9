"""Whatever a catalog holds, the search for a plan ends within bounds of memory and of processor time."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from archipelago.container.dependency_resolver.errors import ResolutionCode, ResolutionError
from archipelago.container.dependency_resolver.plan import Request
from archipelago.container.dependency_resolver.resolver import resolve
from support.catalogs import pigeons, rows_of_leases

MEMORY = 256 << 20
SECONDS = 30
"""Of processor time. It takes less than one second."""


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
