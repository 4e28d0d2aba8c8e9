"""Podman's events: one connection of them, or a stream that never ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime

from archipelago.container.podman_client.errors import PodmanCall, PodmanError
from archipelago.container.podman_client.models import PodmanEvent, Resync
from archipelago.container.podman_client.wire.replies import podman_event
from archipelago.container.podman_client.wire.requests import filters, label_filter
from archipelago.container.podman_client.wire.transport import Params, Transport, objects
from archipelago.support.clock_jumps import clock_set, since_boot

_CALL = PodmanCall("follow events")
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 10.0


class Events:
    """The stream of what happens in Podman."""

    def __init__(self, transport: Transport, now: Callable[[], float] = time.time) -> None:
        """Take the clock of the wall, which Podman dates events by, in seconds since 1970."""
        self._transport = transport
        self._now = now

    async def once(
        self, *, labels: Mapping[str, str | None] | None = None, since: datetime | None = None
    ) -> AsyncGenerator[PodmanEvent, None]:
        """Yield the events of one connection, from `since` or from now; it ends with the service."""
        begin = since or datetime.now(UTC)
        floor = begin.replace(microsecond=0)
        params: Params = {"stream": True, "since": int(begin.timestamp()), **filters(label=label_filter(labels))}
        # Podman sends not even the head of its reply before the first event, so there is no bound on the wait.
        async with self._transport.stream("GET", "/events", _CALL, params=params, begin=None) as pieces:
            async for item in objects(_CALL, pieces):
                event = podman_event(item)
                # Podman counts `since` in whole seconds; what happened earlier in that second was not asked for. What
                # is older than that is new, by a clock that was set back.
                if event and not floor <= event.time < begin:
                    yield event

    async def for_ever(
        self, *, labels: Mapping[str, str | None] | None = None
    ) -> AsyncGenerator[PodmanEvent | Resync, None]:
        """Yield a Resync at each new connection, then its events; nothing after a Resync is lost."""
        attempt, error = 0, None
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            try:
                await self._transport.service.ensure()
                begin, clocks = self._now(), self._now() - since_boot()
                yield Resync(attempt, error)
                async with aclosing(self._until_clock_is_set(labels, begin, clocks)) as events:
                    async for event in events:
                        attempt = 0
                        yield event
                error = "the stream ended"
            except PodmanError as broken:
                error = str(broken)
            attempt = 1 if loop.time() - begun > _LONGEST_PAUSE else attempt + 1
            await asyncio.sleep(min(_FIRST_PAUSE * 2 ** min(attempt - 1, 10), _LONGEST_PAUSE))

    async def _until_clock_is_set(
        self, labels: Mapping[str, str | None] | None, since: float, clocks: float
    ) -> AsyncGenerator[PodmanEvent, None]:
        """Yield the events of one connection, which ends when the clock is set.

        `clocks` is by how much the clock was ahead of the steady one at `since` (seconds since 1970).
        Podman sends nothing from before `since`: after the clock was set back, nothing at all until it has caught up.
        """
        jumped = asyncio.create_task(clock_set(self._now, clocks))
        async with aclosing(self.once(labels=labels, since=datetime.fromtimestamp(since, UTC))) as events:
            coming = asyncio.ensure_future(anext(events))
            try:
                while True:
                    await asyncio.wait((jumped, coming), return_when=asyncio.FIRST_COMPLETED)
                    if not coming.done():
                        return
                    try:
                        event = coming.result()
                    except StopAsyncIteration:
                        return
                    coming = asyncio.ensure_future(anext(events))
                    yield event
            finally:
                jumped.cancel()
                coming.cancel()
                await asyncio.gather(jumped, coming, return_exceptions=True)
