"""The ways from Caddy to apps that are behind the node's login, through the daemon."""

import asyncio
from pathlib import Path

from archipelago.network.drivers.caddy.guarded_site import pipe_of
from archipelago.network.drivers.socket_pipes import SocketPipes
from archipelago.network.sites import Door
from archipelago.support.texts.text import msg

_MODE = 0o600
"""Caddy runs as the service user."""


class GuardedPipes:
    """Leads from a socket to each app that is behind the node's login; see `SiteDriver`.

    Caddy asks before a request and never again: an answer that takes for ever, such as a stream of events, would
    outlive the session that let it in, and the door by which it came. What passes here ends when the daemon says so,
    and with the daemon. It comes after Caddy, so that nobody comes back by a door that is being closed.
    """

    def __init__(self, folder: Path, most: int) -> None:
        """`folder` is the one that Caddy sees, `most` how many connect at the same time."""
        self._folder = folder
        self._pipes = SocketPipes(_MODE, most)
        self._ways: frozenset[tuple[str, str]] = frozenset()

    async def apply(self, doors: tuple[Door, ...]) -> tuple[str, ...]:
        """Lead to what is guarded behind these doors, and nowhere else; return what is wrong, in words."""
        found = [(door, name, behind) for door in doors for name, behind in door.names.items() if behind.guarded]
        places, before = {behind.place for _, _, behind in found}, self._ways
        self._ways = frozenset((door.name, name) for door, name, _ in found)
        if before - self._ways:
            self.cut()
        try:
            if places:
                await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True, mode=0o700)
            await self._pipes.apply({Path(pipe_of(str(self._folder), place)): place for place in places})
        except OSError as error:
            return (msg("the web server in front of apps: {why}", why=error.strerror or error),)
        return ()

    def cut(self) -> None:
        """End all that goes on there; who may come back can do so at once."""
        self._pipes.cut()

    async def close(self) -> None:
        """Lead nowhere any longer."""
        await self._pipes.close()
