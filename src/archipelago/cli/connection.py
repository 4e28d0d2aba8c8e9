"""HTTP connections to the node. Import this late: loading `http.client` takes as long as all the rest of `--help`."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException

from archipelago.cli.errors import CommandError, Exit

_CONNECT_TIMEOUT = 5.0


class UnixConnection(HTTPConnection):
    """HTTP over a unix socket that is connected already."""

    def __init__(self, connected: socket.socket) -> None:
        super().__init__("localhost")
        self._connected = connected

    def connect(self) -> None:
        """Use the socket."""
        self.sock = self._connected


def connect(unix: str | None, port: int) -> HTTPConnection:
    """Connect to the unix socket, or to the port on loopback where there is no socket or nobody answers on it."""
    if unix is not None:
        candidate = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        candidate.settimeout(_CONNECT_TIMEOUT)
        try:
            candidate.connect(unix)
            return UnixConnection(candidate)
        except OSError:
            candidate.close()
    connection = HTTPConnection("127.0.0.1", port, timeout=_CONNECT_TIMEOUT)
    connection.connect()
    return connection


@contextmanager
def failures_as_command_errors() -> Iterator[None]:
    """Raise `CommandError` where a connection breaks: an error of HTTP would quote what was sent or received."""
    try:
        yield
    except (OSError, HTTPException) as error:
        hint = "'archipelago list' shows how things are"
        raise CommandError(Exit.UNREACHABLE, f"the node stopped answering: {_reason(error)}", hint) from None


def _reason(error: OSError | HTTPException) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "its answer broke off, or is no HTTP"
