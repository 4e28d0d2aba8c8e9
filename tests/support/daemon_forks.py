"""Daemons that start at once: forks of a process that has imported what a daemon needs, which takes one about 2 s.

The process is started with the first daemon of pytest and ends with pytest, or with a test that kills everything.
"""

import atexit
import contextlib
import io
import os
import select
import signal
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from support.checkout import SOURCE, TESTS
from support.preloaded_python import PreloadedPython, forked_python, preloaded_python

_PROGRAM = (
    "import strict_daemon, sys; sys.argv[0] = strict_daemon.__file__;"
    "sys.orig_argv[1:] = sys.argv; strict_daemon.end_with_daemon()"
)
"""With the arguments by which a daemon starts itself anew."""


@dataclass(slots=True)
class DaemonFork:
    """A daemon; what `subprocess.Popen` is to a child of ours."""

    pid: int
    returncode: int | None
    _handle: int
    _report: io.BufferedReader

    def poll(self) -> int | None:
        """Return its exit code, negative for the signal that killed it, once it has ended."""
        if self.returncode is None and select.select([self._handle], [], [], 0)[0]:
            self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended; raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            if not select.select([self._handle], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("strict_daemon", timeout or 0.0)
            self._end()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        """kill -9."""
        self.send_signal(signal.SIGKILL)

    def _end(self) -> None:
        with self._report:
            said = self._report.readline()
        os.close(self._handle)
        # Who would have reported was killed as well.
        self.returncode = int(said) if said else -signal.SIGKILL


class _Forks:
    """The process that the daemons are forks of."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ending = contextlib.ExitStack()
        self._python: PreloadedPython | None = None
        atexit.register(self._ending.close)

    def start(self, arguments: tuple[str, ...], environment: Mapping[str, str], output: int) -> DaemonFork:
        with open(os.devnull, "rb") as nothing:
            streams = nothing.fileno(), output, output
            try:
                program = self._alive().start(_PROGRAM, *arguments, environment=environment, streams=streams)
            except (ConnectionError, ValueError):  # it is being killed
                self._ending.close()
                program = self._alive().start(_PROGRAM, *arguments, environment=environment, streams=streams)
        try:
            return DaemonFork(program.pid, None, os.pidfd_open(program.pid), program.report)
        except ProcessLookupError:  # it has ended already
            return DaemonFork(program.pid, program.wait(), -1, program.report)

    def fork_this(self) -> None:
        """Have the daemons be forks of this process, which has imported all and has no threads yet."""
        with self._lock:
            self._ending.close()
            self._python = self._ending.enter_context(forked_python())

    def _alive(self) -> PreloadedPython:
        with self._lock:
            if self._python is None or not self._python.is_alive():
                self._ending.close()
                environment = {**os.environ, "PYTHONPATH": f"{SOURCE}:{TESTS}"}
                self._python = self._ending.enter_context(preloaded_python("strict_daemon", environment=environment))
            return self._python


_forks = _Forks()


def fork_daemon(arguments: tuple[str, ...], environment: Mapping[str, str], output: IO[bytes]) -> DaemonFork:
    """Start a daemon that writes into a file."""
    return _forks.start(arguments, environment, output.fileno())


def fork_this_process() -> None:
    """Have the daemons that this process starts be forks of it as it is now: it has imported `strict_daemon`."""
    _forks.fork_this()
