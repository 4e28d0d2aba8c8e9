"""Leads connections from the local network to endpoints of apps, which listen on loopback alone.

HTTP is led in through TLS with the node's certificate, other protocols as they are. What passes is not looked at.
"""

import asyncio
import contextlib
import socket
import ssl
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address

LOOPBACK = "127.0.0.1"
_CHUNK = 64 * 1024
_CONNECT_TIMEOUT = 5.0
_HANDSHAKE_TIMEOUT = 15.0
_MAX_CONNECTIONS = 512
_MAX_FROM_ONE = 64
_BACKLOG = 64
_IP_FREEBIND = 15
"""Of ip(7); Python knows it from 3.12 on only."""


@dataclass(frozen=True, slots=True)
class Route:
    """A way in: TCP `port` on `address` leads to the same port of loopback."""

    address: IPv4Address
    port: int
    tls: bool


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


class Ingress:
    """Listens where it is told to. The latest set of routes wins: whatever is not in it ends."""

    def __init__(self) -> None:
        self._servers: dict[Route, asyncio.Server] = {}
        self._connections: dict[asyncio.Task[None], tuple[Route, str]] = {}
        self._leading = asyncio.Lock()
        self.problems: dict[Route, str] = {}
        """Routes that cannot be opened, and why."""

    async def lead(self, routes: Collection[Route], context: ssl.SSLContext) -> None:
        """Open these routes and no others; those that are open stay so, and keep their connections."""
        async with self._leading:
            for route in set(self._servers) - set(routes):
                self._close(route)
            problems = {}
            for route in sorted(set(routes) - set(self._servers), key=lambda route: (route.address, route.port)):
                try:
                    self._servers[route] = await self._open(route, context if route.tls else None)
                except OSError as error:
                    problems[route] = error.strerror or str(error)
            self.problems = problems

    async def close(self) -> None:
        """End everything."""
        for route in tuple(self._servers):
            self._close(route)
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _close(self, route: Route) -> None:
        self._servers.pop(route).close()
        for task, (through, _) in self._connections.items():
            if through == route:
                task.cancel()

    async def _open(self, route: Route, context: ssl.SSLContext | None) -> asyncio.Server:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer = str(writer.get_extra_info("peername", ("nowhere",))[0])
            from_there = Counter(who for _, who in self._connections.values())[peer]
            if len(self._connections) >= _MAX_CONNECTIONS or from_there >= _MAX_FROM_ONE:
                writer.transport.abort()
                return
            task = asyncio.create_task(_serve(route.port, reader, writer))
            self._connections[task] = (route, peer)
            task.add_done_callback(self._connections.pop)

        listener = listening_socket(route.address, route.port)
        timeout = _HANDSHAKE_TIMEOUT if context is not None else None
        return await asyncio.start_server(
            accept, sock=listener, ssl=context, limit=_CHUNK, ssl_handshake_timeout=timeout
        )


async def _serve(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, TimeoutError):
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                inner_reader, inner_writer = await asyncio.open_connection(LOOPBACK, port, limit=_CHUNK)
        except BaseException:
            writer.transport.abort()
            raise
        ways = [
            asyncio.create_task(_pump(reader, inner_writer)),
            asyncio.create_task(_pump(inner_reader, writer)),
        ]
        try:
            await asyncio.gather(*ways)
        finally:
            for way in ways:
                way.cancel()
            for end in (inner_writer, writer):
                end.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK):
        sink.write(data)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()
    else:
        sink.close()  # TLS knows no half of a connection
