"""The world outside, in a network namespace of its own: a machine that answers, and that knocks where it is told.

`python outside.py PORT ADDRESS` serves HTTP/1.0 on every address. `GET /` says who asks; `GET /knock/HOST/PORT` tells
whether a TCP connection to there can be opened from here. `GET /tor/start` has `private_tor.py`, which descriptor 3 is,
run a Tor network on ADDRESS, and returns what that says; `GET /tor/stop` ends it. It needs nothing but Python and Tor.
"""

import os
import socket
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

PATIENCE = 3.0


class TorNetwork:
    """Runs at most one; it ends with this process."""

    def __init__(self, program: str, address: str) -> None:
        self._program = program
        self._address = address
        self._process: subprocess.Popen[str] | None = None
        self._turn = threading.Lock()

    def start(self) -> str:
        """Return how others join, in a line of JSON."""
        with self._turn:
            self._stop()
            command = [sys.executable, "-I", "-c", self._program, tempfile.mkdtemp(prefix="tor"), self._address]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            assert self._process.stdout is not None
            return self._process.stdout.readline()

    def stop(self) -> str:
        """End it."""
        with self._turn:
            self._stop()
        return "stopped"

    def _stop(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.close()
            self._process.wait()
            self._process.stdout.close()
            self._process = None


class Outside(BaseHTTPRequestHandler):
    """Answers one request."""

    tor: TorNetwork

    def do_GET(self) -> None:
        _, what, *where = self.path.split("/")
        answer = str(self.client_address[0])
        if what == "knock":
            try:
                socket.create_connection((where[0], int(where[1])), timeout=PATIENCE).close()
                answer = "open"
            except OSError as error:
                answer = f"closed: {error}"
        elif what == "tor":
            answer = self.tor.start() if where == ["start"] else self.tor.stop()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Listens without asking for its own name, which takes half a minute where no name server answers."""

    def server_bind(self) -> None:
        TCPServer.server_bind(self)


if __name__ == "__main__":
    with os.fdopen(3) as source:
        Outside.tor = TorNetwork(source.read(), sys.argv[2])
    Server(("0.0.0.0", int(sys.argv[1])), Outside).serve_forever()
