"""Hands each new event to all who follow along; those who fall behind catch up from the database."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial

from archipelago.storage.records.events import EventRecord
from archipelago.support.broadcast import Signal

_PAGE = 200

Read = Callable[[int, int], Awaitable[tuple[EventRecord, ...]]]


class EventBus:
    """Followers read pages from the database and sleep until there is something newer.

    So a slow follower costs no memory, and nobody sees a gap.
    """

    def __init__(self) -> None:
        self._revision = 0
        self._signal = Signal()

    def publish(self, event: EventRecord) -> None:
        """Notify the followers of a newer event."""
        self._revision = max(self._revision, event.revision)
        self._signal.notify()

    async def follow(self, since: int, read: Read) -> AsyncGenerator[EventRecord, None]:
        """Yield all events after revision `since`, for ever; `read(since, limit)` reads a page of them."""
        while True:
            page = await read(since, _PAGE)
            for event in page:
                since = event.revision
                yield event
            if not page:
                await self._signal.until(partial(self._is_newer, since))

    def _is_newer(self, since: int) -> bool:
        return self._revision > since
