"""A broadcast: wakes everybody who waits for something to change."""

import asyncio
from collections.abc import Callable


class Signal:
    """Lets tasks wait until a condition holds, looked at again after each `notify`."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Event] = set()

    def notify(self) -> None:
        """Wake all waiting tasks."""
        for waiter in self._waiters:
            waiter.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return as soon as `holds()` is true."""
        waiter = asyncio.Event()
        self._waiters.add(waiter)
        try:
            while not holds():
                await waiter.wait()
                waiter.clear()
        finally:
            self._waiters.discard(waiter)
