"""How long the server waits for the other side of its connections, and how much it keeps for them meanwhile."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

_MOST_KEPT = 64 << 20
"""Bytes that are kept for all connections together: of requests that are not complete, and of answers not yet taken."""
_LITTLE = 64 << 10
"""Bytes for which nobody has to go."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds."""

    head: float = 10.0
    """In which the head of a request arrives: from the connection on, later from its first byte on."""
    body: float = 30.0
    idle: float = 15.0
    """For which the connection of an unknown client is kept between two requests."""
    idle_known: float = 75.0
    reader: float = 30.0
    """For which an answer may wait until it is taken, beside those that a slow line needs for it."""
    slowest: float = 16 << 10
    """Bytes a second that a client takes at the least. (Not seconds.)"""
    farewell: float = 10.0
    """In which a connection that is being closed takes what was written before."""
    pause: float = 0.5
    """Between two looks at all connections."""


class WatchedConnection(Protocol):
    """A connection."""

    transport: asyncio.Transport | None
    unfinished: int
    """Bytes of a request that has no answer yet."""

    @property
    def unread(self) -> int:
        """Bytes of an answer that the other side has not taken yet."""
        ...

    @property
    def waits_since(self) -> float:
        """Since when it waits for the other side, on the monotonic clock."""
        ...

    @property
    def is_known(self) -> bool:
        """Whether somebody has authenticated on it."""
        ...

    def is_overdue(self, now: float) -> bool:
        """Return whether the other side takes too long."""
        ...

    def end(self) -> None:
        """Close it."""
        ...


class Patience:
    """Watches connections, and ends those that take too long or too much."""

    def __init__(self, times: Times = Times(), *, most_kept: int = _MOST_KEPT) -> None:
        self.times = times
        self._most_kept = most_kept
        self._watched: dict[WatchedConnection, None] = {}
        self._unfinished = 0

    def __iter__(self) -> Iterator[WatchedConnection]:
        """Yield all connections."""
        return iter(tuple(self._watched))

    def add(self, connection: WatchedConnection) -> None:
        """Watch a connection from now on."""
        self._watched[connection] = None

    def remove(self, connection: WatchedConnection) -> None:
        """Watch it no longer; does nothing the second time."""
        if connection in self._watched:
            self.answered(connection)
            del self._watched[connection]

    def took(self, connection: WatchedConnection, count: int) -> None:
        """Take note that bytes of a request have come."""
        connection.unfinished += count
        self._unfinished += count
        if self._unfinished > self._most_kept:
            self._make_room()

    def answered(self, connection: WatchedConnection) -> None:
        """Take note that what came of a request is needed no longer."""
        self._unfinished -= connection.unfinished
        connection.unfinished = 0

    async def watch(self) -> None:
        """End those that take too long, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            for connection in self:
                if connection.is_overdue(now):
                    self._end(connection)
            self._make_room()
            await asyncio.sleep(self.times.pause)

    def end_all(self) -> None:
        """End all connections at once."""
        for connection in self:
            self._end(connection)

    def _make_room(self) -> None:
        kept = self._unfinished + sum(connection.unread for connection in self._watched)
        if kept <= self._most_kept:
            return
        large = [each for each in self._watched if each.unfinished + each.unread > _LITTLE]
        for connection in sorted(large, key=lambda each: (each.is_known, each.waits_since)):
            kept -= connection.unfinished + connection.unread
            self._end(connection)
            if kept <= self._most_kept:
                return

    def _end(self, connection: WatchedConnection) -> None:
        self.remove(connection)
        connection.end()
