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
        until = time.monotonic() + _PATIENCE
        while not _listens(port):
            assert process.poll() is None and time.monotonic() < until, command
            time.sleep(0.02)  # nothing tells a stranger that a server listens
        yield
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
