"""The world outside, in a network namespace of its own: a machine that answers, and that knocks where it is told.

`python outside.py PORT` serves HTTP/1.0 on every address. `GET /` says who asks; `GET /knock/HOST/PORT` tells whether a
TCP connection to there can be opened from here. It needs nothing but Python.
"""

import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

PATIENCE = 3.0


class Outside(BaseHTTPRequestHandler):
    """Answers one request."""

    def do_GET(self) -> None:
        _, what, *where = self.path.split("/")
        answer = str(self.client_address[0])
        if what == "knock":
            try:
                socket.create_connection((where[0], int(where[1])), timeout=PATIENCE).close()
                answer = "open"
            except OSError as error:
                answer = f"closed: {error}"
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
    Server(("0.0.0.0", int(sys.argv[1])), Outside).serve_forever()
