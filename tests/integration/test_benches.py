"""Every bench runs, as small as can be: a change that breaks one breaks a test, and not what is measured later.

Together they are to take no more than a minute. What is costly to make and says nothing of a bench is shared with the
other tests: the packages of images, the images of our own apps, and the modules that have been imported.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cheap_passwords import CHEAP
from support.checkout import CHECKOUT, SOURCE, TESTS
from support.harness import KEPT_ARCHIVES, KEPT_IMAGES, ROOT, RUNTIME, remove_leftovers
from support.kept_archives import FOLDER, IMAGES
from support.preloaded_python import PreloadedPython, preloaded_python

BENCH = CHECKOUT / "bench"
FIGURES = {
    "catalog": "resolve + compile",
    "start": "one container, from nothing to healthy",
    "bring_up": "no-op reconcile",
    "daemon": "death of a container until it is started again, worst",
    "updates": "the image alone goes back: runs",
    "snapshots": "control: an update stops an app longer",
    "backups": "on a bare machine",
    "backup_proof": "control, plain copies of SQLite",
    "mesh": "broadcast more than once",
    "page": "search for a text of no line: longest task",
}
"""The last or the most expensive figure of each."""
_RUN = (
    "import runpy, sys; from support.kept_archives import keep_archives; keep_archives();"
    "from support.kept_images import keep_own_images; keep_own_images();"
    "from support.daemon_forks import fork_this_process; fork_this_process();"
    "del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
)
_ENVIRONMENT = {
    **os.environ,
    "ARCHIPELAGO_ROOT": str(ROOT / "benches"),
    "ARCHIPELAGO_RUNTIME": str(RUNTIME / "benches"),
    "BENCH_FORKS": "1",
    "BENCH_SMOKE": "1",
    "PYTHONPATH": f"{SOURCE}:{TESTS}:{BENCH}",
    **CHEAP,
    FOLDER: str(KEPT_ARCHIVES),
    IMAGES: str(KEPT_IMAGES),
}

# In one lane, since each lane makes the images of our own apps once.
pytestmark = [pytest.mark.timeout(900), pytest.mark.lane(1)]


def test_all_benches_are_run_here() -> None:
    calls = re.compile(r"^    (main\(\)|asyncio\.run\(main\(\)\))$", re.MULTILINE)
    assert {path.stem for path in BENCH.glob("*.py") if calls.search(path.read_text())} == {*FIGURES}


@pytest.fixture(scope="module")
def python() -> Iterator[PreloadedPython]:
    """A process that has imported what the benches need, and their daemons."""
    remove_leftovers()
    modules = ("aiohttp", "archipelago.node.node", "playwright.async_api", "pytest", "strict_daemon")
    with preloaded_python(*modules, environment=_ENVIRONMENT) as found:
        yield found


@pytest.fixture
def place() -> Iterator[None]:
    """The folders of a bench; in the end, nothing of it is left."""
    for folder in (ROOT, RUNTIME):
        (folder / "benches").mkdir(parents=True)
    yield
    remove_leftovers()


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.usefixtures("place")
def test_a_bench_runs_and_writes_down_what_it_finds(python: PreloadedPython, name: str, tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    environment = _ENVIRONMENT | {"BENCH_RESULTS": str(results)}
    done = python.run(_RUN, str(BENCH / f"{name}.py"), environment=environment)
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
    figures = [json.loads(line) for line in results.read_text().splitlines()]
    assert any(FIGURES[name] in figure["what"] for figure in figures)
    for figure in figures:
        assert figure["ratio"] >= 0 and figure["against"] and isinstance(figure["value"], int | float), figure
