"""What all tests share: a failed test tells what its node wrote."""

import contextlib
import gc
import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest

from lanes.byte_code import compiled_ahead, keep_byte_code
from support.checkout import TESTS

pytest_plugins = ("lanes.plugin",)

_MOST_FORKS = 16
_FORKS_PER_PROCESSOR = 2
"""Half of the time tests wait: for a time limit, or for a program that they have started."""
_IN_MEMORY, _ROOM = Path("/dev/shm"), 1 << 30
"""A file system that never waits for a disk, and the bytes that must be free there."""
_LAST = 8000
"""Characters of each log."""


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run the unit tests quickly if all of them are requested: with fewer examples, in several forks, in memory.

    Other tests share one instance.
    """
    asked = [Path(config.invocation_params.dir, path).resolve() for path in config.args]
    all_units = asked == [TESTS / "unit"]
    if all_units:
        keep_byte_code()
    from support.examples import register_profiles  # hypothesis, of which the byte code is kept as well

    register_profiles(some=all_units and config.getoption("--hypothesis-profile", None) is None)
    if not all_units:
        return
    if _can_be_in_memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_IN_MEMORY))
    option = config.option
    one_process = option.collectonly or option.usepdb or option.capture == "no" or getattr(option, "cov_source", None)
    told_how = option.forks or getattr(option, "numprocesses", None) is not None or hasattr(config, "workerinput")
    if not (one_process or told_how):
        option.forks = min(_MOST_FORKS, _FORKS_PER_PROCESSOR * len(os.sched_getaffinity(0)))


def _can_be_in_memory() -> bool:
    """Tell whether the files of tests, some of which are programs, may be there."""
    try:
        found = os.statvfs(_IN_MEMORY)
    except OSError:
        return False
    usable = os.access(_IN_MEMORY, os.W_OK) and not found.f_flag & os.ST_NOEXEC
    return usable and found.f_bavail * found.f_frsize >= _ROOM


def pytest_configure() -> None:
    """Let what the tests start hear Ctrl-C, also where a shell runs them in the background and has them ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Exempt modules and collected tests from garbage collection, which takes a quarter of the run otherwise.

    From then on, what is new is looked through a twentieth as often as usual, and what tests keep a hundredth.
    """
    gc.disable()
    ahead = compiled_ahead(session.config, TESTS / "unit") if session.config.option.forks else contextlib.nullcontext()
    try:
        with ahead:
            return (yield)
    finally:
        gc.collect()
        gc.freeze()
        young, middle, old = gc.get_threshold()
        gc.set_threshold(20 * young, middle, 5 * old)
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the logs of the nodes that are there; they are gone with the test."""
    report = yield
    if report.failed:
        from support.harness import ROOT  # it imports half of the node, which the process that starts others need not

        for path in sorted(ROOT.glob("*/daemon.log")):
            with contextlib.suppress(OSError):
                text = path.read_text(encoding="utf-8", errors="replace")
                report.sections.append((f"end of the log of node {path.parent.name}", text[-_LAST:]))
    return report
