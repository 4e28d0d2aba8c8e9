"""Leads from sockets to endpoints of apps on loopback: Tor to what does not speak HTTP, Caddy to what is guarded."""

import asyncio
import contextlib
import socket
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from archipelago.container.manifest.loopback_places import LoopbackPlace
from archipelago.network.drivers.loopback import forward


class SocketPipes:
    """Listens on sockets of a mode. What is connected ends with the daemon, as on the local network.

    At most `most` connect to all of them together; one beyond is closed at once. Each takes two files.
    """

    def __init__(self, mode: int, most: int) -> None:
        self._mode = mode
        self._most = most
        self._servers: dict[tuple[Path, LoopbackPlace], asyncio.Server] = {}
        self._connections: dict[asyncio.Task[None], tuple[Path, LoopbackPlace]] = {}

    async def apply(self, pipes: Mapping[Path, LoopbackPlace]) -> None:
        """Lead these sockets, and no others, each to a place of loopback."""
        wanted = set(pipes.items())
        for pipe in set(self._servers) - wanted:
            await self._close(pipe)
        for path, place in wanted - set(self._servers):
            listening = await asyncio.to_thread(_listening, path, self._mode)
            server = await asyncio.start_unix_server(partial(self._serve, (path, place)), sock=listening)
            self._servers[path, place] = server

    def cut(self) -> None:
        """End all that is connected; the sockets stay."""
        for task in self._connections:
            task.cancel()

    async def close(self) -> None:
        """Lead none any longer."""
        for pipe in tuple(self._servers):
            await self._close(pipe)
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _close(self, pipe: tuple[Path, LoopbackPlace]) -> None:
        self._servers.pop(pipe).close()
        for task, through in self._connections.items():
            if through == pipe:
                task.cancel()
        with contextlib.suppress(OSError):
            await asyncio.to_thread(pipe[0].unlink)

    def _serve(
        self, pipe: tuple[Path, LoopbackPlace], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if len(self._connections) >= self._most:
            writer.transport.abort()
            return

        def ended(task: asyncio.Task[None]) -> None:
            del self._connections[task]
            writer.transport.abort()

        task = asyncio.get_running_loop().create_task(forward(pipe[1], reader, writer, lambda _: None))
        self._connections[task] = pipe
        task.add_done_callback(ended)


def _listening(path: Path, mode: int) -> socket.socket:
    """Return a socket that others may open; one that an earlier daemon left is replaced. Blocking."""
    path.unlink(missing_ok=True)
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        found.bind(str(path))
        path.chmod(mode)
        found.setblocking(False)
    except OSError:
        found.close()
        raise
    return found
