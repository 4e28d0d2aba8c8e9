"""Tests in forks of one process: it collects once, the forks run side by side, and whatever one does is reported."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.checkout import TESTS
from support.preloaded_python import PreloadedPython, preloaded_python

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(TESTS), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
MEETS = """
import pathlib, time
with open("imports", "a") as file:
    file.write("{me} ")
def test_waits_for_the_other(tmp_path):
    pathlib.Path("{me}").touch()
    until = time.monotonic() + 100
    while not pathlib.Path("{other}").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
def test_after(): pass
"""
"""A lane takes its next module when the last test of this one starts: that must not be the one that waits."""
TWO = {"test_a.py": MEETS.format(me="a", other="b"), "test_b.py": MEETS.format(me="b", other="a")}


@pytest.fixture(scope="module")
def python() -> Iterator[PreloadedPython]:
    with preloaded_python("pytest", environment=ENVIRONMENT) as preloaded:
        yield preloaded


def run(python: PreloadedPython, folder: Path, modules: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Run modules of tests in two forks; return the exit code and what was printed."""
    for name, text in modules.items():
        (folder / name).write_text(text)
    (folder / "conftest.py").write_text('pytest_plugins = ("lanes.plugin",)\n')
    program = f"import os, pytest; os.chdir({str(folder)!r}); raise SystemExit(pytest.console_main())"
    options = ("-p", "no:cacheprovider", "--rootdir", ".", "-c", os.devnull, "--forks", "2", *arguments)
    done = python.run(program, *options, ".", environment=ENVIRONMENT)
    return done.returncode, (done.stdout + done.stderr).decode()


def test_forks_run_side_by_side_what_was_collected_once(python: PreloadedPython, tmp_path: Path) -> None:
    code, printed = run(python, tmp_path, TWO)
    assert code == 0 and "4 passed" in printed, printed
    assert (tmp_path / "imports").read_text() == "a b "


def test_a_failure_is_reported_with_what_it_printed(python: PreloadedPython, tmp_path: Path) -> None:
    bad = {"test_bad.py": "def test_it():\n    print('said before')\n    assert 6 * 7 == 41\n"}
    code, printed = run(python, tmp_path, TWO | bad)
    assert code == 1 and "1 failed, 4 passed" in printed, printed
    assert "assert (6 * 7) == 41" in printed and printed.count("said before") == 2, "in the source and in the output"


def test_a_fork_that_is_killed_is_a_failure_which_names_what_did_not_run(
    python: PreloadedPython, tmp_path: Path
) -> None:
    deadly = {"test_deadly.py": "import os\ndef test_it(): os.kill(os.getpid(), 9)\ndef test_after(): pass\n"}
    code, printed = run(python, tmp_path, {"test_good.py": "def test_it(): pass\n"} | deadly)
    assert code == 1 and "ended with code -9" in printed, printed
    assert "tests did not run to their end:\ntest_deadly.py::test_it\ntest_deadly.py::test_after" in printed, printed


def test_the_first_failure_ends_all_forks_where_that_is_asked_for(python: PreloadedPython, tmp_path: Path) -> None:
    endless = "import time\ndef test_it(): time.sleep(3600)\ndef test_after(): pass\n"
    code, printed = run(python, tmp_path, {"test_a.py": endless, "test_b.py": "def test_it(): 1 / 0\n"}, "-x")
    assert code == 1 and "1 failed" in printed and "stopping after 1 failures" in printed, printed


def test_what_the_last_test_leaves_open_is_a_failure(python: PreloadedPython, tmp_path: Path) -> None:
    # A collection of its own accord could come first, outside of all tests, where nobody sees the warning.
    leaky = (
        "import gc, socket\ndef test_it():\n    gc.disable()\n    cycle = [socket.socket()]\n    cycle.append(cycle)\n"
    )
    code, printed = run(python, tmp_path, {"test_leaky.py": leaky})
    assert code == 1 and "unclosed <socket" in printed, printed


def test_a_module_that_cannot_be_imported_is_an_error(python: PreloadedPython, tmp_path: Path) -> None:
    code, printed = run(python, tmp_path, TWO | {"test_bad.py": "import nothing_of_that_name\n"})
    assert code == 2 and "nothing_of_that_name" in printed, printed
