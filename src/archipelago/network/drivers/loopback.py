"""Forwards connections from the local network to endpoints of apps, which listen on loopback alone.

What has a scheme passes through TLS with the node's certificate, other protocols as they are. The content is not looked
at.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Collection, Mapping
from functools import partial

from archipelago.container.manifest.exposure import LOOPBACK
from archipelago.container.manifest.loopback_places import LoopbackPlace
from archipelago.network.routes import Route, Trust
from archipelago.support.connections.crowd import Crowd, Guest, Standing
from archipelago.support.connections.listener import Listener, listening_socket

_CHUNK = 64 * 1024
_CONNECT_TIMEOUT = 5.0
_LONGEST_SILENCE = 3600.0
"""Seconds without a byte in either direction after which a connection ends: the other side may be long gone."""
_LOOK_EVERY = 60.0
_FAREWELL = 10.0


class LoopbackDriver:
    """Listens at the start of each route, and forwards to loopback; see `RouteDriver`.

    At most `connections` are open at the same time. When there are as many, the one that was silent for longest, of
    those addresses that have most, makes room for a new one.
    """

    def __init__(self, connections: int, contexts: Mapping[Trust, ssl.SSLContext]) -> None:
        self._contexts = contexts
        self._crowd = Crowd(connections, max(1, connections // 4))
        self._listeners: dict[Route, Listener] = {}
        self._connections: dict[asyncio.Task[None], Route] = {}
        self._watcher: asyncio.Task[None] | None = None

    async def apply(self, routes: Collection[Route]) -> Mapping[Route, str]:
        """Listen for these routes and no others; return those for which that is not possible, and why."""
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch())
        for route in set(self._listeners) - set(routes):
            await self._close(route)
        problems = {}
        for route in (route for route in routes if route not in self._listeners):
            try:
                listening = listening_socket(route.address, route.port)
            except OSError as error:
                problems[route] = error.strerror or str(error)
            else:
                make = partial(self._make, route)
                context = None if route.tls is None else self._contexts[route.tls]
                self._listeners[route] = Listener(listening, self._crowd, make, context=context)
        return problems

    async def close(self) -> None:
        """End everything."""
        if self._watcher is not None:
            self._watcher.cancel()
        for route in tuple(self._listeners):
            await self._close(route)
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _close(self, route: Route) -> None:
        await self._listeners.pop(route).close()
        for task, through in self._connections.items():
            if through == route:
                task.cancel()

    async def _watch(self) -> None:
        """End connections on which nothing is said, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            for guest in self._crowd:
                if loop.time() - guest.since > _LONGEST_SILENCE:
                    guest.end()

    def _make(self, route: Route, guest: Guest) -> asyncio.StreamReaderProtocol:
        loop = asyncio.get_running_loop()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            def heard(standing: Standing) -> None:
                self._crowd.move(guest, max(standing, guest.standing), loop.time())

            def ended(task: asyncio.Task[None]) -> None:
                del self._connections[task]
                self._crowd.leave(guest)
                writer.transport.abort()

            task = loop.create_task(forward(LoopbackPlace(LOOPBACK, route.port), reader, writer, heard))
            self._connections[task] = route
            guest.end = task.cancel
            task.add_done_callback(ended)

        reader = asyncio.StreamReader(limit=_CHUNK, loop=loop)
        return asyncio.StreamReaderProtocol(reader, accept, loop=loop)


async def forward(
    place: LoopbackPlace, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Callable[[Standing], None]
) -> None:
    """Pass on what both sides of a connection say, to a place of loopback and back.

    `heard` is called with who said something. It returns when both have ended, or nothing is there.
    """
    with contextlib.suppress(OSError, TimeoutError):
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                inner_reader, inner_writer = await asyncio.open_connection(str(place.address), place.port, limit=_CHUNK)
        except BaseException:
            writer.transport.abort()
            raise
        ways = [
            asyncio.create_task(_pump(reader, inner_writer, partial(heard, Standing.WAITING))),
            asyncio.create_task(_pump(inner_reader, writer, partial(heard, Standing.ANSWERING))),
        ]
        try:
            await asyncio.gather(*ways)
            async with asyncio.timeout(_FAREWELL):  # in which both sides take what is left
                for end in (inner_writer, writer):
                    if not end.is_closing():  # asyncio forgets a transport of TLS that is closed twice
                        end.close()
                    await end.wait_closed()
        finally:
            for way in ways:
                way.cancel()
            inner_writer.transport.abort()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, heard: Callable[[], None]) -> None:
    while data := await source.read(_CHUNK):
        heard()
        sink.write(data)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()
    else:
        sink.close()  # TLS knows no half of a connection
