"""Accepts connections: as many as fit, before anything else is done for them, and without ever spinning."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address
from typing import Any

from archipelago.support.connections.crowd import Crowd, Guest, Standing

HANDSHAKE_TIMEOUT = 10.0
_SHUTDOWN_TIMEOUT = 5.0
_AT_ONCE = 4
"""Connections that are accepted before what came on others is looked at: a newcomer can say what it wants before it is
the oldest one."""
_PAUSE = 0.5
"""Seconds without accepting where the host has no room for another connection."""

_BACKLOG = 256
_IP_FREEBIND = 15
"""Of ip(7); Python knows it from 3.12 on only."""

Who = Callable[[socket.socket, Any], tuple[str, Standing]]
"""Says where a connection comes from, given the socket and its peer's address, and what speaks for it."""
MakeProtocol = Callable[[Guest], asyncio.BaseProtocol]
"""Makes what serves a connection. It sets `guest.end` in `connection_made`, and leaves the crowd when it is lost."""

_log = logging.getLogger(__name__)


def by_address(_: socket.socket, address: Any) -> tuple[str, Standing]:
    """Identify connections by the address that they come from."""
    return str(address[0]) if isinstance(address, tuple) else "nowhere", Standing.WAITING


def listening_socket(address: IPv4Address, port: int) -> socket.socket:
    """Return a socket that listens on an address, even one that this host will only get later (IP_FREEBIND).

    Raises `OSError`.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        listener.bind((str(address), port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


class Listener:
    """One socket that listens, and is closed at the end."""

    def __init__(
        self,
        listening: socket.socket,
        crowd: Crowd,
        make: MakeProtocol,
        *,
        who: Who = by_address,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._socket = listening
        self._crowd = crowd
        self._make = make
        self._who = who
        self._context = context
        self._opening: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.create_task(self._accept())

    async def close(self) -> None:
        """Listen no longer; connections that are open stay so."""
        self._accepting.cancel()
        for task in self._opening:
            task.cancel()
        await asyncio.gather(self._accepting, *self._opening, return_exceptions=True)
        self._socket.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            for _ in range(_AT_ONCE):
                try:
                    connection, address = await loop.sock_accept(self._socket)
                except ConnectionAbortedError:
                    continue
                except OSError as error:
                    # Too many open files, here or in the whole host. The kernel keeps who waits in its queue.
                    _log.warning("no connection can be accepted: %s", error.strerror)
                    await asyncio.sleep(_PAUSE)
                    continue
                self._welcome(connection, address)
            await asyncio.sleep(0)

    def _welcome(self, connection: socket.socket, address: Any) -> None:
        loop = asyncio.get_running_loop()
        try:
            who, standing = self._who(connection, address)
        except OSError:
            connection.close()
            return
        guest = Guest(who, standing, loop.time(), connection.close)
        if not self._crowd.enter(guest):
            connection.close()
            return
        task = loop.create_task(self._open(connection, guest))
        guest.end = task.cancel
        self._opening.add(task)
        task.add_done_callback(partial(self._opened, connection, guest))

    async def _open(self, connection: socket.socket, guest: Guest) -> None:
        with_tls = self._context is not None
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: self._make(guest),
            connection,
            ssl=self._context,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT if with_tls else None,
            ssl_shutdown_timeout=_SHUTDOWN_TIMEOUT if with_tls else None,
        )

    def _opened(self, connection: socket.socket, guest: Guest, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or error is not None:
            connection.close()
            self._crowd.leave(guest)
        if error is not None and not isinstance(error, OSError):
            _log.error("a connection cannot be served", exc_info=error)
