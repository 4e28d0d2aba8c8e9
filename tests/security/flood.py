"""A flood, as a program of its own: `python flood.py KIND HOST PORT COUNT SOURCE…` opens connections and says little.

It writes a line once the flood has risen, and goes on until its standard input ends. A connection that is ended is
opened again. It comes from each of the addresses `SOURCE`. It needs nothing but Python.
"""

import contextlib
import select
import socket
import sys
import time
from dataclasses import dataclass

HOST = b" HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /healthz" + HOST + b"\r\n"
POST = b"POST /rpc/v1" + HOST + b"Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n"
LONG_HEAD = b"GET /" + HOST + b"X: " + b"x" * 1000
RISE = 2.0
TICK = 0.25
OPENED_AT_ONCE = 400


@dataclass(frozen=True)
class Kind:
    """What each connection does."""

    first: bytes = b""
    """Is sent at once."""
    trickle: bytes = b""
    """Is sent byte by byte once there was an answer, or at once where there is nothing to answer."""
    repeat: bytes = b""
    """Is sent again and again."""
    reads: bool = True
    half: bool = False
    """Whether it closes the half that it sends on."""
    waits: bool = False
    """Whether it trickles only after an answer."""


KINDS = {
    "silent": Kind(),
    "first-head": Kind(trickle=LONG_HEAD),
    "second-head": Kind(first=GET, trickle=LONG_HEAD, waits=True),
    "slow-body": Kind(first=POST, trickle=b"[" + b"1," * 1000),
    "slow-reader": Kind(first=(b"GET /openrpc.json" + HOST + b"\r\n") * 30, reads=False),
    "half-closed": Kind(first=GET[:-2], half=True),
    "pipelining": Kind(first=GET * 40, repeat=GET * 10, reads=False),
    "no-handshake": Kind(first=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", trickle=b"x" * 1000),
}


class Connection:
    """One connection of the flood."""

    def __init__(self, kind: Kind, address: tuple[str, int], source: str) -> None:
        self.kind = kind
        self.trickle = b"" if kind.waits else kind.trickle
        self.socket = socket.socket()
        self.socket.setblocking(False)
        if not kind.reads:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.bind((source, 0))
        self.is_open = False
        self.is_begun = False
        with contextlib.suppress(BlockingIOError):
            self.socket.connect(address)

    def work(self) -> bool:
        """Do what is due; return whether the connection is there still."""
        try:
            if not self.is_open:
                poll = select.poll()
                poll.register(self.socket, select.POLLOUT)
                self.is_open = bool(poll.poll(0))
                if not self.is_open:
                    return True
            if not self.is_begun:
                self.is_begun = True
                self._send(self.kind.first)
                if self.kind.half:
                    self.socket.shutdown(socket.SHUT_WR)
            if self.kind.reads:
                with contextlib.suppress(BlockingIOError):
                    if not self.socket.recv(65536):
                        return False
                    self.trickle = self.trickle or self.kind.trickle
            self._send(self.kind.repeat)
            self._send(self.trickle[:1])
            self.trickle = self.trickle[1:] or self.trickle
        except OSError:
            return False
        return True

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):
            if data:
                self.socket.send(data)


def main(kind: str, host: str, port: str, count: str, *sources: str) -> None:
    """Flood until standard input ends."""
    connections: list[Connection | None] = [None] * int(count)
    began, has_risen, tried = time.monotonic(), False, 0
    while not select.select((sys.stdin,), (), (), TICK)[0]:
        openings = OPENED_AT_ONCE
        for number, connection in enumerate(connections):
            if connection is None and openings:
                openings, tried = openings - 1, tried + 1
                source = sources[number % len(sources)]
                with contextlib.suppress(OSError):
                    connections[number] = Connection(KINDS[kind], (host, int(port)), source)
            elif connection is not None and not connection.work():
                connection.socket.close()
                connections[number] = None
        if not has_risen and tried >= len(connections) and time.monotonic() - began > RISE:
            has_risen = True
            print("risen", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
