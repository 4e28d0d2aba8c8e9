"""Servers of others on loopback, each a process of its own."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator

_PATIENCE = 100.0


@contextlib.contextmanager
def listening(port: int, *command: str, environment: dict[str, str] | None = None) -> Iterator[None]:
    """Run a server for as long as the block takes, which starts once it listens."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until_listening(process, port)
        yield
    finally:
        process.kill()
        process.wait()


def until_listening(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Return once a server that was started listens; it must not end before."""
    until = time.monotonic() + _PATIENCE
    while not _listens(port):
        assert process.poll() is None and time.monotonic() < until, process.args
        time.sleep(0.02)  # nothing tells a stranger that a server listens


def until_silent(port: int) -> None:
    """Return once nothing listens any longer: a process that was killed keeps its port for a moment."""
    until = time.monotonic() + _PATIENCE
    while _listens(port):
        assert time.monotonic() < until, port
        time.sleep(0.02)  # nor that it listens no longer


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
