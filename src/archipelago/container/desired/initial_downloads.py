"""Remembers which apps have downloaded their chain: what is right for a daemon depends on it, and it may be down."""

import asyncio
import json
from collections.abc import Callable, Collection, Iterable

from archipelago.api.health import Health
from archipelago.storage.stores.state import State

_FACT = "chains-downloaded"
"""Fact: apps whose first download is over, as JSON."""


class InitialDownloads:
    """Learns from the health of apps."""

    def __init__(self, state: State, installed: Callable[[], Collection[str]]) -> None:
        self._state = state
        self._installed = installed
        self._over: frozenset[str] = frozenset()
        self.changed = asyncio.Event()
        """Set when an app has entered or left its first download; whoever acts on it clears it."""

    async def open(self) -> None:
        """Read what is remembered. Raises `NodeError`."""
        self._over = frozenset(json.loads(await self._state.found_fact(_FACT) or "[]"))

    def goes_on(self, app: str) -> bool:
        """Return whether the first download of an app goes on, or may: it was never seen to be over."""
        return app not in self._over

    async def note(self, news: Iterable[tuple[str, Health]]) -> None:
        """Take in the health of apps; of one that was removed nothing is remembered. Raises `NodeError`."""
        over = set(self._over)
        for app, health in news:
            if health.sync is not None:
                (over.discard if health.sync.initial_block_download else over.add)(app)
        over &= set(self._installed())
        if over != self._over:
            self._over = frozenset(over)
            self.changed.set()
            await self._state.set_fact(_FACT, json.dumps(sorted(over)))
