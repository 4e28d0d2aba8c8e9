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
    outlive the session that let it in. What passes here ends when the daemon says so, and with the daemon.
    """

    def __init__(self, folder: Path, most: int) -> None:
        """`folder` is the one that Caddy sees, `most` how many connect at the same time."""
        self._folder = folder
        self._pipes = SocketPipes(_MODE, most)

    async def apply(self, doors: tuple[Door, ...]) -> tuple[str, ...]:
        """Lead to what is guarded behind these doors, and nowhere else; return what is wrong, in words."""
        places = {behind.place for door in doors for behind in door.names.values() if behind.guarded}
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


class ClosedDoors:
    """Ends what goes on in guarded apps where a door to one is closed; see `SiteDriver`.

    It comes after Caddy, so that nobody comes back by a door that is being closed.
    """

    def __init__(self, pipes: GuardedPipes) -> None:
        self._pipes = pipes
        self._open: frozenset[tuple[str, str]] = frozenset()

    async def apply(self, doors: tuple[Door, ...]) -> tuple[str, ...]:
        """End all of it where there is no longer each door that there was."""
        before = self._open
        self._open = frozenset(
            (door.name, name) for door in doors for name, behind in door.names.items() if behind.guarded
        )
        if before - self._open:
            self._pipes.cut()
        return ()

    async def close(self) -> None:
        """Do nothing: the doors stay as they are."""
