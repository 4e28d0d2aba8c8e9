"""Messages between the daemon and a `worker`: a length (four bytes, big-endian) and JSON."""

import json
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("!I")


def receive(connection: socket.socket) -> Any:
    """Return a message; None where the other end has hung up."""
    head = _exactly(connection, _LENGTH.size)
    body = _exactly(connection, _LENGTH.unpack(head)[0]) if head else b""
    return json.loads(body) if body else None


def send(connection: socket.socket, message: object) -> None:
    """Send a message of plain values."""
    body = json.dumps(message).encode()
    connection.sendall(_LENGTH.pack(len(body)) + body)


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        part = connection.recv(min(size - len(received), 1 << 20))
        if not part:
            return b""
        received += part
    return bytes(received)
