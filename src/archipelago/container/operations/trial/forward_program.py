"""The main module of a small program that leads ports of this host's loopback to one that containers share.

It is root of the service user's namespace, and is started with `python -I -c`; it imports nothing of this project. Its
argument is one order as JSON: `address` of this host, `pid` of a process on that loopback, and `ports` there. It prints
one line of JSON, the ports of this host in the same order, and ends when its parent does (`backups/programs/launcher`).
"""

import contextlib
import ctypes
import json
import os
import socket
import sys
import threading

_NEW_NETWORK = 0x40000000
"""Flag of setns(2)."""
_MOST = threading.BoundedSemaphore(64)
"""Connections at the same time."""
_CONNECT = 10.0
_IDLE = 3600.0


def main() -> None:
    """Forward until the program is ended."""
    order = json.loads(sys.argv[1])
    namespace = os.open(f"/proc/{order['pid']}/ns/net", os.O_RDONLY)
    listeners = [socket.create_server((order["address"], 0)) for _ in order["ports"]]
    print(json.dumps([each.getsockname()[1] for each in listeners]), flush=True)
    threads = [
        threading.Thread(target=_serve, args=(listener, namespace, port))
        for listener, port in zip(listeners, order["ports"], strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _serve(listener: socket.socket, namespace: int, port: int) -> None:
    while True:
        _MOST.acquire()
        client, _ = listener.accept()
        # A thread of its own: setns(2) changes the calling thread only.
        threading.Thread(target=_forward, args=(client, namespace, port), daemon=True).start()


def _forward(client: socket.socket, namespace: int, port: int) -> None:
    try:
        with client, contextlib.suppress(OSError), _connected(namespace, port) as server:
            client.settimeout(_IDLE)
            server.settimeout(_IDLE)
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            _copy(client, server)
            back.join()
    finally:
        _MOST.release()


def _connected(namespace: int, port: int) -> socket.socket:
    if ctypes.CDLL(None, use_errno=True).setns(namespace, _NEW_NETWORK):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return socket.create_connection(("127.0.0.1", port), _CONNECT)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main()
