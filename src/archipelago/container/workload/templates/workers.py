"""Processes that render the templates which may take long (`worker`), each with a limit of time and memory."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading

from archipelago.container.workload.templates.faults import Fault
from archipelago.container.workload.templates.renderer import TemplateJob
from archipelago.container.workload.templates.wire import receive, send

_AT_ONCE = 2
_WORKER = "archipelago.container.workload.templates.worker"
_ENVIRONMENT = ("LANG", "LC_ALL", "PATH", "PYTHONPATH", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE")
_START = 30.0
"""Seconds that a process may take to be there, on a busy host."""
_SLOWNESS = 20
"""Times as long as its CPU time a rendering may take by the clock on the wall."""


class TemplateWorkers:
    """Renders aside; implements `templates.Aside`. Blocking and thread-safe: call it off the event loop.

    A process is started when it is needed for the first time, and stays. One that had to be interrupted is replaced.
    """

    def __init__(self) -> None:
        self._idle: list[_Worker] = []
        self._turn = threading.Lock()
        self._places = threading.Semaphore(_AT_ONCE)
        self._closed = False

    def render(self, job: TemplateJob, seconds: float) -> tuple[str, float]:
        """Return the text, and the CPU time that it took, of which it gets `seconds`. Raises `Fault`."""
        if seconds <= 0:
            raise Fault(None, "the app's templates together take too much processor time; loop over less")
        with self._places:
            worker = self._take()
            try:
                return worker.render(job, seconds)
            finally:
                self._put_back(worker)

    def close(self) -> None:
        """End all processes; what is being rendered is rendered to its end."""
        with self._turn:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()

    def _take(self) -> "_Worker":
        with self._turn:
            while self._idle:
                worker = self._idle.pop()
                if worker.lives:
                    return worker
                worker.close()
        try:
            return _Worker()
        except OSError as error:
            raise Fault(None, f"no process to render it could be started: {error.strerror}", passing=True) from error

    def _put_back(self, worker: "_Worker") -> None:
        with self._turn:
            if not self._closed and not worker.tired:
                self._idle.append(worker)
                return
        worker.close()


def _options() -> list[str]:
    """Return the interpreter's options: code comes from where this process has it, and none is written."""
    prefix = [] if sys.pycache_prefix is None else ["-X", f"pycache_prefix={sys.pycache_prefix}"]
    return ["-B", "-P", *prefix]


class _Worker:
    """One process."""

    def __init__(self) -> None:
        self.tired = False
        """Whether it should not be used again."""
        self._connection, theirs = socket.socketpair()
        with theirs, contextlib.ExitStack() as undo:
            undo.callback(self._connection.close)
            self._process = subprocess.Popen(
                [sys.executable, *_options(), "-m", _WORKER, str(theirs.fileno())],
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl-C is for the daemon, which ends it in its own time
            )
            undo.pop_all()

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def render(self, job: TemplateJob, seconds: float) -> tuple[str, float]:
        self.tired = True  # until it has answered
        self._connection.settimeout(_START + seconds * _SLOWNESS)
        request = {"source": job.source, "neighbours": dict(job.neighbours), "context": dict(job.context)}
        try:
            send(self._connection, {**request, "seconds": seconds})
            answer = receive(self._connection)
        except (OSError, ValueError):
            answer = None
        if not isinstance(answer, dict):
            raise self._unanswered(seconds)
        self.tired = bool(answer.get("tired"))
        spent = float(answer["seconds"])
        if "text" not in answer:
            raise Fault(answer["line"], str(answer["message"]), spent)
        return str(answer["text"]), spent

    def _unanswered(self, seconds: float) -> Fault:
        """Return why there was no answer."""
        self._process.kill()  # no effect where it has ended
        ended = self._process.wait()
        if ended == -signal.SIGXCPU:
            message = "it takes too much processor time, and had to be killed; make shorter texts and lists"
            return Fault(None, message, seconds)
        # A template that wants too much memory is answered: whoever killed this process may have had other reasons.
        return Fault(None, f"the process that renders it ended with {ended}, or did not answer", seconds, passing=True)

    def close(self) -> None:
        self._connection.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
