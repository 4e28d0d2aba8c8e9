"""Python programs that start fast: forks of a process that has already imported their modules.

Each program is a process with its own arguments, environment, standard streams and session, as with `python -c`. The
imports, which take about a second, are done once instead of once per program.
"""

import contextlib
import gc
import io
import json
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

_MOST = 1 << 17
"""Bytes of a request."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that was started."""

    pid: int
    report: io.BufferedReader
    """Tells, as a line, how it has ended; nothing where what it is a fork of was killed as well."""

    def wait(self) -> int:
        """Wait, once, until it has ended; return its exit code, negative for the signal that killed it.

        It is killed if the test is interrupted, by its time limit for example.
        """
        with self.report:
            try:
                return int(self.report.readline())
            except BaseException:
                os.kill(self.pid, signal.SIGKILL)
                raise

    def kill(self) -> None:
        """Kill it, and wait until it has ended."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait()


class PreloadedPython:
    """Starts programs; `preloaded_python` and `forked_python` make one."""

    def __init__(self, requests: socket.socket, is_alive: Callable[[], bool]) -> None:
        self._requests = requests
        self.is_alive = is_alive
        """Tells whether it has not ended."""

    def start(
        self,
        program: str,
        *arguments: str,
        environment: Mapping[str, str],
        streams: tuple[int, int, int],
        folder: Path | None = None,
    ) -> Program:
        """Start a program, given as its source text, with these files as its standard streams, in a folder.

        If standard input is a terminal, it becomes the controlling terminal of the program.
        """
        request = json.dumps(
            {
                "program": program,
                "arguments": arguments,
                "environment": dict(environment),
                "folder": str(folder or Path.cwd()),
            }
        ).encode()
        assert len(request) <= _MOST, "the request is too long"
        reading, writing = os.pipe()
        try:
            socket.send_fds(self._requests, [request], [*streams, writing])
        finally:
            os.close(writing)
        report = os.fdopen(reading, "rb")
        try:
            return Program(int(report.readline()), report)
        except BaseException:
            report.close()
            raise

    def run(
        self, program: str, *arguments: str, environment: Mapping[str, str], given: bytes = b""
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run a program to its end, with some input; return its exit code and output."""
        with contextlib.ExitStack() as files:
            read, out, err = (files.enter_context(tempfile.TemporaryFile()) for _ in range(3))
            read.write(given)
            read.seek(0)
            streams = read.fileno(), out.fileno(), err.fileno()
            code = self.start(program, *arguments, environment=environment, streams=streams).wait()
            for file in (out, err):
                file.seek(0)
            return subprocess.CompletedProcess(arguments, code, out.read(), err.read())


@contextlib.contextmanager
def preloaded_python(*modules: str, environment: Mapping[str, str]) -> Iterator[PreloadedPython]:
    """Give a process that has imported some modules, until the end."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-P", __file__, str(theirs.fileno()), *modules]
    with (
        ours,
        subprocess.Popen(
            command, env=environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
        ) as process,
    ):
        theirs.close()
        try:
            yield PreloadedPython(ours, lambda: process.poll() is None)
        finally:
            ours.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def forked_python() -> Iterator[PreloadedPython]:
    """Give a process that has imported what this one has, until the end; this one must not have threads yet."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = os.fork()
    if child == 0:
        ours.close()
        os.setsid()
        gc.freeze()
        _serve(theirs)
        os._exit(0)
    theirs.close()
    handle = os.pidfd_open(child)
    with ours, os.fdopen(handle, "rb"):
        try:
            yield PreloadedPython(ours, lambda: not select.select([handle], [], [], 0)[0])
        finally:
            with contextlib.suppress(OSError):  # it has been killed
                ours.shutdown(socket.SHUT_RDWR)
            os.waitpid(child, 0)


def _serve(requests: socket.socket) -> None:
    """Start a program for each request, and report how it ends; at the end of the requests, kill what still runs."""
    events = selectors.DefaultSelector()
    events.register(requests, selectors.EVENT_READ)
    while events.get_map():
        for key, _ in events.select():
            if key.data is not None:
                events.unregister(key.fd)
                os.close(key.fd)
                _report_end(*key.data)
                continue
            request, files, _, _ = socket.recv_fds(requests, _MOST, 4)
            if not request:
                events.unregister(requests)
                for running in tuple(events.get_map().values()):
                    os.kill(running.data[0], signal.SIGKILL)
                continue
            *streams, report = files
            child = os.fork()
            if child == 0:
                _close_all(events, requests, report)
                _become(streams, json.loads(request))
            for stream in streams:
                os.close(stream)
            _tell(report, child)
            events.register(os.pidfd_open(child), selectors.EVENT_READ, (child, report))


def _report_end(child: int, report: int) -> None:
    """Write the exit code of a program."""
    _, status = os.waitpid(child, 0)
    _tell(report, os.waitstatus_to_exitcode(status))
    os.close(report)


def _tell(report: int, number: int) -> None:
    """Write a number for whoever started a program, if that is still there."""
    with contextlib.suppress(BrokenPipeError):
        os.write(report, b"%d\n" % number)


def _close_all(events: selectors.BaseSelector, requests: socket.socket, report: int) -> None:
    """Close what a program must not have: the requests, and the ends of other programs."""
    for key in tuple(events.get_map().values()):
        if key.data is not None:
            os.close(key.fd)
            os.close(key.data[1])
    events.close()
    requests.close()
    os.close(report)


def _become(streams: list[int], request: dict[str, Any]) -> None:
    """Be the program."""
    if os.isatty(streams[0]):
        os.login_tty(streams[0])
    else:
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        for stream in streams:
            os.close(stream)
    names = ("stdin", "r"), ("stdout", "w"), ("stderr", "w")
    for number, (name, mode) in enumerate(names):
        old = getattr(sys, name)
        lines = name == "stderr" or os.isatty(number)
        file = os.fdopen(number, f"{mode}b", closefd=False)
        setattr(sys, name, io.TextIOWrapper(file, encoding=old.encoding, errors=old.errors, line_buffering=lines))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["-c", *request["arguments"]]
    code = _exit_code(request["program"])
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _exit_code(program: str) -> int:
    """Execute a program as Python would, and return what it exits with."""
    try:
        exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    channel = socket.socket(fileno=int(sys.argv[1]))
    for module in sys.argv[2:]:
        import_module(module)
    gc.freeze()  # what is collected in a fork would be copied first
    _serve(channel)
