"""Ends connections that were opened and then do not say what they want (slowloris); aiohttp waits for ever."""

import asyncio
import time
from collections.abc import Callable, Iterable
from weakref import WeakKeyDictionary, WeakSet

_LOOK_EVERY = 1.0
PATIENCE = 10.0
"""Seconds in which the head of the first request arrives. Later ones are held to the keep-alive time by aiohttp."""


class Patience:
    """Watches connections until each has sent the head of a request."""

    def __init__(self, seconds: float = PATIENCE) -> None:
        self._seconds = seconds
        self._silent_since: WeakKeyDictionary[asyncio.BaseTransport, float] = WeakKeyDictionary()
        self._heard: WeakSet[asyncio.BaseTransport] = WeakSet()

    def hear(self, transport: asyncio.BaseTransport | None) -> None:
        """Take note that a request has come."""
        if transport is not None:
            self._heard.add(transport)

    async def watch(self, connections: Callable[[], Iterable[asyncio.BaseTransport]]) -> None:
        """End those that stay silent, until cancelled."""
        while True:
            now = time.monotonic()
            for transport in connections():
                if transport in self._heard:
                    continue
                if now - self._silent_since.setdefault(transport, now) > self._seconds:
                    self._end(transport)
            await asyncio.sleep(_LOOK_EVERY)

    def _end(self, transport: asyncio.BaseTransport) -> None:
        # `close` would wait until what is to be written has been taken, which is up to the other side.
        end = transport.abort if isinstance(transport, asyncio.WriteTransport) else transport.close
        end()
