"""Lanes that are forks of one process, which has imported and collected all tests.

So there may be more of them than processors: one runs while another waits for a time limit or for a program.
"""

import contextlib
import gc
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest
from _pytest.unraisableexception import collect_unraisable

from lanes.lane import Lane
from lanes.records import reports_of
from lanes.reporter import LaneProgress, Reporter

_MERCY = 5.0
"""Seconds in which a fork that is interrupted should end."""


@dataclass(slots=True, kw_only=True)
class ForkProgress(LaneProgress):
    """What is known of a lane that is a child of this process."""

    pid: int
    code: int | None = None

    def ended(self) -> int | None:
        """Return its exit code, negative for the signal that killed it, once it has ended."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code

    def interrupt(self) -> None:
        """Have it end what its fixtures have started, and then itself."""
        if self.ended() is None:
            os.kill(self.pid, signal.SIGINT)

    def end(self) -> None:
        """Wait until it has ended, and kill it if it does not."""
        until = time.monotonic() + _MERCY
        while self.ended() is None:
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.01)


class ForkedLanes:
    """Runs the tests in forks, in the place of pytest's own loop."""

    def __init__(self, config: pytest.Config, count: int) -> None:
        self._config = config
        self._count = count

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Fork, and report for all forks."""
        if session.testsfailed:
            raise session.Interrupted(f"{session.testsfailed} errors during collection")
        self._config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # the same for all forks
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            reports_of(folder, 0).parent.mkdir()
            lanes = [
                ForkProgress(number=number, folder=folder, pid=self._fork(session, folder, number))
                for number in range(1, self._count + 1)
            ]
            try:
                Reporter(self._config, lanes).pytest_runtestloop(session)
            finally:
                for lane in lanes:
                    lane.interrupt()
                for lane in lanes:
                    lane.end()
        return True

    def _fork(self, session: pytest.Session, folder: Path, number: int) -> int:
        sys.stdout.flush()  # or the fork prints it as well
        pid = os.fork()
        if pid == 0:
            self._be_lane(session, folder, number)
        return pid

    def _be_lane(self, session: pytest.Session, folder: Path, number: int) -> NoReturn:
        code = pytest.ExitCode.INTERNAL_ERROR
        try:
            self._capture_apart(folder / f"{number}.log")
            lane = Lane(self._config, folder, number, _own_cpu_seconds)
            self._config.pluginmanager.register(lane, "lane")
            lane.pytest_runtestloop(session)
            self._check_garbage()
            code = pytest.ExitCode.OK
        except session.Failed:
            code = pytest.ExitCode.TESTS_FAILED
        except BaseException:
            traceback.print_exc()
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C comes from the terminal and from `interrupt`
            with contextlib.suppress(BaseException):
                session._setupstate.teardown_exact(None)
            os._exit(code)

    def _check_garbage(self) -> None:
        """Raise what comes of deleting what the last tests left behind, such as a socket that is still open."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            gc.collect()
            collect_unraisable(self._config)

    def _capture_apart(self, log: Path) -> None:
        """Print into a log of our own; forks have the files in common into which pytest captures."""
        capture = self._config.pluginmanager.getplugin("capturemanager")
        assert capture is not None
        capture.stop_global_capturing()
        with log.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        capture.start_global_capturing()
        capture.suspend_global_capture()


def _own_cpu_seconds() -> float:
    """Return the processor time of this process, and of its children that have ended."""
    return sum(os.times()[:4])
