"""Every bench runs, as small as can be: a change that breaks one breaks a test, and not what is measured later."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.checkout import CHECKOUT, SOURCE, TESTS
from support.harness import ROOT, RUNTIME, remove_leftovers

BENCH = CHECKOUT / "bench"
FIGURES = {
    "catalog": "resolve + compile",
    "start": "one container, from nothing to healthy",
    "bring_up": "no-op reconcile",
    "daemon": "death of a container until it is started again, worst",
    "updates": "control, the image alone goes back: runs",
    "snapshots": "control: an update stops an app longer",
    "backups": "on a bare machine",
    "backup_proof": "control, plain copies of SQLite",
    "mesh": "broadcast more than once",
    "page": "search for a text of no line: longest task",
}
"""The last or the most expensive figure of each."""
_RUN = (
    "import runpy, sys; from support.kept_archives import keep_archives; keep_archives();"
    "del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
)
"""Runs a bench; the image that the first one needs is taken from those that other tests have built."""

pytestmark = [pytest.mark.timeout(300), pytest.mark.spoils_images]


def test_all_benches_are_run_here() -> None:
    programs = {path.stem for path in BENCH.glob("*.py") if "    asyncio.run(main())" in path.read_text()}
    assert programs | {"catalog"} == {*FIGURES}


@pytest.mark.parametrize("name", FIGURES)
def test_a_bench_runs_and_writes_down_what_it_finds(name: str, tmp_path: Path) -> None:
    remove_leftovers()
    results = tmp_path / "results.jsonl"
    places = {"ARCHIPELAGO_ROOT": str(ROOT / "benches"), "ARCHIPELAGO_RUNTIME": str(RUNTIME / "benches")}
    for folder in places.values():
        Path(folder).mkdir(parents=True)
    environment = {**os.environ, **places, "BENCH_SMOKE": "1", "BENCH_RESULTS": str(results)}
    environment["PYTHONPATH"] = f"{SOURCE}:{TESTS}:{BENCH}"
    command = [sys.executable, "-c", _RUN, str(BENCH / f"{name}.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = [json.loads(line) for line in results.read_text().splitlines()]
    assert any(FIGURES[name] in figure["what"] for figure in figures)
    remove_leftovers()
    for figure in figures:
        assert figure["ratio"] >= 0 and figure["against"] and isinstance(figure["value"], int | float), figure
