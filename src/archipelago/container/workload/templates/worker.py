"""A process that renders templates which may take long, started by `workers`: its end harms nobody.

It takes requests from a socket whose number is its argument, and ends when the socket does. It has little memory; each
request brings the CPU time that it may take. What hangs in Python is interrupted, so that the line can be named; what
hangs below it is ended by the kernel.
"""

import math
import resource
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from archipelago.container.workload.templates.faults import Fault
from archipelago.container.workload.templates.rendering import compiled, fault, rendered
from archipelago.container.workload.templates.sandbox import Sandbox, TooMuch
from archipelago.container.workload.templates.wire import receive, send

MEMORY = 256 * 1024 * 1024
"""Bytes that a rendering may take."""
_FILES = 16
_AGAIN = 0.1
"""Seconds after which an interruption that had no effect comes again."""
_MERCY = 1
"""Seconds of CPU time that an interruption may take to have an effect, before the kernel ends the process."""


def main() -> None:
    """Serve until the other end hangs up."""
    _confine()
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        while (request := receive(connection)) is not None:
            send(connection, _answer(request))


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    began = time.process_time()
    seconds = float(request["seconds"])
    _set_clock(seconds)
    try:
        template = compiled(Sandbox(request["neighbours"]), request["source"])
        text = rendered(template, request["context"])
        return {"text": text, "seconds": time.process_time() - began}
    except (Fault, TooMuch) as error:
        found = error if isinstance(error, Fault) else fault(error)
        spent = time.process_time() - began
        # What a process has in its memory after that, nobody knows.
        tired = spent >= seconds or isinstance(found.__cause__, MemoryError)
        return {"line": found.line, "message": found.message, "seconds": spent, "tired": tired}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _set_clock(seconds: float) -> None:
    def interrupt(_number: int, _frame: object) -> None:
        raise TooMuch(
            f"it takes more than {seconds:.1f} s of processor time; loop over less, or filter before the loop"
        )

    signal.signal(signal.SIGPROF, interrupt)
    signal.setitimer(signal.ITIMER_PROF, max(seconds, _AGAIN), _AGAIN)
    soft = math.ceil(time.process_time() + seconds) + _MERCY
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _confine() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    memory = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, _FILES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # secrets pass through here


if __name__ == "__main__":
    main()
