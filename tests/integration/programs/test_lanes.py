"""The suite in lanes: every test runs once, whatever a lane does, and the end tells of all of them."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.checkout import TESTS
from support.preloaded_python import PreloadedPython, Program, preloaded_python

MODULES = {
    "chaos/test_long.py": "import os, time\ndef test_waits():\n"
    "    for _ in range(50):\n        assert not os.path.exists('busy')\n        time.sleep(0.01)\n",
    "unit/test_many.py": "import pytest\n@pytest.mark.parametrize('n', range(20))\ndef test_it(n): pass\n",
    "unit/test_other.py": "import os\ndef test_it(): assert not os.path.exists('busy')\n",
    "unit/test_alone.py": "import os, pytest, time\npytestmark = pytest.mark.alone\n"
    "def test_it():\n    os.mkdir('busy')\n    time.sleep(0.5)\n    os.rmdir('busy')\n",
    "unit/test_first_only.py": "import os, pytest\npytestmark = pytest.mark.lane(1)\n"
    "def test_it(): assert os.environ['LANE'] == '1'\n",
}
LANES = 2
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(TESTS), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


class Run:
    """Runs a folder of tests in lanes, as `scripts/test-lanes` does."""

    def __init__(self, python: PreloadedPython, folder: Path, modules: dict[str, str]) -> None:
        self.python = python
        self.tests, self.lanes = folder / "tests", folder / "lanes"
        for path, text in modules.items():
            (self.tests / path).parent.mkdir(parents=True, exist_ok=True)
            (self.tests / path).write_text(text)
        (self.tests / "conftest.py").write_text('pytest_plugins = ("lanes.plugin",)\n')
        self.lanes.mkdir()

    def _pytest(self, log: Path, *arguments: str, lane: int = 0) -> Program:
        own = ("-ra", "-p", "no:cacheprovider", "--rootdir", ".", "-c", os.devnull, "--lanes-folder", str(self.lanes))
        with open(os.devnull) as nothing, log.open("w") as printed:
            return self.python.start(
                "import pytest; raise SystemExit(pytest.console_main())",
                *(*own, *arguments, "."),
                environment={**ENVIRONMENT, "LANE": str(lane)},
                streams=(nothing.fileno(), printed.fileno(), printed.fileno()),
                folder=self.tests,
            )

    def report(self, *, light: int = 0) -> tuple[int, str]:
        """Run all of it, with a lane that is light; return exit code and what was printed of all lanes together."""
        lights = {number: f"--light={'first' if number == light else 'last'}" for number in range(1, LANES + 1)}
        lanes = {
            number: self._pytest(
                self.lanes / f"{number}.log", "--lane", str(number), *([lights[number]] if light else []), lane=number
            )
            for number in range(1, LANES + 1)
        }
        printed = self.lanes / "reporter.log"
        reporter = self._pytest(printed, "--lanes", str(LANES))
        for number, lane in lanes.items():
            (self.lanes / f"{number}.code").write_text(f"{lane.wait()}\n")
        return reporter.wait(), printed.read_text()


@pytest.fixture(scope="module")
def python() -> Iterator[PreloadedPython]:
    with preloaded_python("pytest", environment=ENVIRONMENT) as preloaded:
        yield preloaded


def last_line(printed: str) -> str:
    """Return pytest's own last line, without the time."""
    return re.sub(r" in [\d.]+s", "", printed.splitlines()[-1].strip("= "))


def test_all_tests_run_once_and_the_last_line_is_pytest_s(python: PreloadedPython, tmp_path: Path) -> None:
    code, printed = Run(python, tmp_path, MODULES).report()
    assert (code, last_line(printed)) == (0, "24 passed"), printed
    assert "lanes: 2 side by side" in printed
    assert re.search(r"unit +23 tests +[\d.]+ s  processor +[\d.]+ s", printed), printed
    assert printed.count("unit/test_many.py ....................") == 1, "the dots of a module stay together"


def test_what_is_skipped_is_told_with_its_reason(python: PreloadedPython, tmp_path: Path) -> None:
    skipped = {"unit/test_elsewhere.py": "import pytest\ndef test_it():\n    pytest.skip('not on this host')\n"}
    code, printed = Run(python, tmp_path, MODULES | skipped).report()
    assert (code, last_line(printed)) == (0, "24 passed, 1 skipped"), printed


def test_failures_and_errors_are_told_whole_and_are_the_exit_code(python: PreloadedPython, tmp_path: Path) -> None:
    bad = {
        "unit/test_bad.py": "def test_it():\n    print('said before')\n    assert 6 * 7 == 41\n",
        "unit/test_broken.py": "import pytest\n@pytest.fixture\ndef f(): 1 / 0\ndef test_it(f): pass\n",
    }
    code, printed = Run(python, tmp_path, MODULES | bad).report()
    assert (code, last_line(printed)) == (1, "1 failed, 24 passed, 1 error"), printed
    assert "assert (6 * 7) == 41" in printed and "said before" in printed
    assert "FAILED unit/test_bad.py::test_it" in printed and "ERROR unit/test_broken.py::test_it" in printed


def test_a_lane_that_dies_is_a_failure_which_names_what_did_not_run(python: PreloadedPython, tmp_path: Path) -> None:
    deadly = {"chaos/test_bad.py": "import os\ndef test_it(): os._exit(0)\ndef test_after(): pass\n"}
    code, printed = Run(python, tmp_path, MODULES | deadly).report()
    assert code == 1
    named = "tests did not run to their end:\nchaos/test_bad.py::test_it\nchaos/test_bad.py::test_after"
    assert named in printed, printed


def test_what_has_no_containers_runs_beside_what_runs_alone(python: PreloadedPython, tmp_path: Path) -> None:
    wait = "    until = time.monotonic() + 60\n    while not os.path.exists('{}'): assert time.monotonic() < until\n"
    both = {
        "unit/test_alone.py": "import os, pytest, time\npytestmark = [pytest.mark.alone, pytest.mark.lane(1)]\n"
        f"def test_it():\n    os.mkdir('busy')\n{wait.format('seen')}    os.rmdir('busy')\n",
        "e2e/test_beside.py": "import os, pytest, time\npytestmark = [pytest.mark.no_containers, pytest.mark.lane(2)]\n"
        f"def test_it():\n{wait.format('busy')}    os.mkdir('seen')\n",
    }
    code, printed = Run(python, tmp_path, MODULES | both).report()
    assert (code, last_line(printed)) == (0, "25 passed"), printed


def test_a_light_lane_begins_with_what_needs_no_containers_and_then_takes_of_the_others(
    python: PreloadedPython, tmp_path: Path
) -> None:
    wait = "    until = time.monotonic() + 60\n    while not os.path.exists('{}'): assert time.monotonic() < until\n"
    only = "import os, pytest, time\n"
    modules = {
        # A lane takes its next module when the last test of this one begins.
        "chaos/test_containers.py": f"{only}pytestmark = pytest.mark.lane(1)\ndef test_it():\n{wait.format('more')}"
        "def test_end(): pass\n",
        "integration/test_more.py": f"{only}def test_it():\n    assert os.path.exists('tested')\n"
        "    os.mkdir('more')\n",
        "unit/test_light.py": f"{only}def test_it():\n    assert os.environ['LANE'] == '2'\n    os.mkdir('tested')\n",
        "e2e/test_beside.py": f"{only}pytestmark = [pytest.mark.no_containers, pytest.mark.lane(2)]\n"
        "def test_it(): pass\n",
    }
    code, printed = Run(python, tmp_path, modules).report(light=2)
    assert (code, last_line(printed)) == (0, "5 passed"), printed


def test_what_waits_most_of_its_time_is_started_before_what_needs_a_processor(
    python: PreloadedPython, tmp_path: Path
) -> None:
    ours = "import os, pytest\npytestmark = [pytest.mark.lane(1){}]\n"
    modules = {
        "chaos/test_now.py": f"{ours.format('')}def test_it(): assert os.path.exists('waited')\n",
        "integration/test_busy.py": f"{ours.format(', pytest.mark.long')}def test_it(): pass\n",
        "integration/test_waits.py": f"{ours.format(', pytest.mark.waits')}def test_it(): os.mkdir('waited')\n",
    }
    code, printed = Run(python, tmp_path, modules).report()
    assert (code, last_line(printed)) == (0, "3 passed"), printed


def test_what_runs_alone_waits_for_what_runs_and_for_nothing_that_comes_later(
    python: PreloadedPython, tmp_path: Path
) -> None:
    ours = "import os, pytest, time\npytestmark = pytest.mark.lane(2)\n"
    until = "def until(it):\n    end = time.monotonic() + 100\n    while not it(): assert time.monotonic() < end\n"
    asked = "any('->' in line and f':{inode} ' in line for line in open('/proc/locks'))"
    modules = {
        "unit/test_alone.py": "import os, pytest, time\npytestmark = [pytest.mark.alone, pytest.mark.lane(1)]\n"
        f"{until}until(lambda: os.environ['LANE'] != '1' or os.path.exists('begun'))\n"
        "def test_it(): os.mkdir('alone')\n",
        "chaos/test_a.py": f"{ours}{until}def test_it():\n    os.mkdir('begun')\n"
        f"    inode = os.stat('../lanes/claims/.turn').st_ino\n    until(lambda: {asked})\n",
        "chaos/test_b.py": f"{ours}def test_it(): assert os.path.exists('alone')\n",
        "chaos/test_c.py": f"{ours}def test_it(): assert os.path.exists('alone')\n",
    }
    code, printed = Run(python, tmp_path, modules).report()
    assert (code, last_line(printed)) == (0, "4 passed"), printed


def test_a_module_that_cannot_be_imported_is_a_failure(python: PreloadedPython, tmp_path: Path) -> None:
    code, printed = Run(python, tmp_path, MODULES | {"unit/test_bad.py": "import nothing_of_that_name\n"}).report()
    assert code == 1
    assert "nothing_of_that_name" in printed and "lane 1" in printed
