"""Follows the logs of an app: all its containers at once, over restarts and deaths of Podman's service."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from archipelago.container.log_cursor import LogCursor
from archipelago.container.observer import is_running
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import NotFound, PodmanError, PodmanUnavailable
from archipelago.container.podman_client.models import LogLine as PodmanLogLine
from archipelago.container.reconciler import Reconciler
from archipelago.container.status import LogLine
from archipelago.container.workload import ContainerWorkload

_AHEAD = 256
"""Lines that are read before the client has taken them."""
_PAUSE = 0.25
"""Seconds before a log is opened again; Podman itself looks four times a second."""
_LAST_WORDS = 2.0
"""Seconds that a log has to end by itself once the container's run is over."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


async def newest_lines(
    client: PodmanClient, containers: Iterable[ContainerWorkload], tail: int
) -> list[tuple[ContainerWorkload, PodmanLogLine]]:
    """Return the last `tail` lines of each container, ordered by time where there are several. Raises `PodmanError`."""
    found = [
        pair for some in await asyncio.gather(*(_last(client, each, tail) for each in containers)) for pair in some
    ]
    if len({wanted.container for wanted, _ in found}) > 1:
        found.sort(key=lambda pair: pair[1].time or _LONG_AGO)
    return found


async def _last(
    client: PodmanClient, wanted: ContainerWorkload, tail: int
) -> list[tuple[ContainerWorkload, PodmanLogLine]]:
    try:
        return [(wanted, line) async for line in client.containers.logs(wanted.name, tail=tail)]
    except NotFound:
        return []


def log_line(wanted: ContainerWorkload, line: PodmanLogLine) -> LogLine:
    """Return a line with the container's name in the manifest."""
    return LogLine(container=wanted.container, stream=line.stream.value, at=line.time, text=line.text)


@dataclass(frozen=True, slots=True)
class LogFollower:
    """One client's view of the log of one app."""

    client: PodmanClient
    reconciler: Reconciler
    app: str
    container: str | None
    """The only container that is followed; None for all."""
    tail: int
    """Lines that come first, of all containers together."""

    async def lines(self) -> AsyncGenerator[LogLine, None]:
        """Yield the last lines, then each new one, until the app is removed; close it when the client leaves."""
        queue: asyncio.Queue[LogLine | None] = asyncio.Queue(_AHEAD)
        work = asyncio.create_task(self._fill(queue))
        try:
            while (line := await queue.get()) is not None:
                yield line
            await work
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _fill(self, queue: asyncio.Queue[LogLine | None]) -> None:
        """Put lines into the queue, and None at the end."""
        try:
            await self._follow(queue)
        except Exception:
            await queue.put(None)
            raise
        await queue.put(None)

    async def _follow(self, queue: asyncio.Queue[LogLine | None]) -> None:
        cursors = {wanted.name: LogCursor() for wanted in self._wanted()}
        # With a tail of 0 the newest line still says where to go on.
        first = await self._first(max(self.tail, 1))
        for wanted, line in first:
            cursors[wanted.name].take(line)
        for wanted, line in first[max(0, len(first) - self.tail) :]:
            await queue.put(log_line(wanted, line))
        followed: set[str] = set()
        async with asyncio.TaskGroup() as group:
            while self._installed():
                # An update may bring other containers.
                for wanted in self._wanted():
                    if wanted.name not in followed:
                        followed.add(wanted.name)
                        cursor = cursors.get(wanted.name, LogCursor())
                        group.create_task(self._follow_container(wanted, cursor, queue))
                await self.reconciler.changed.until(
                    lambda: not self._installed() or any(wanted.name not in followed for wanted in self._wanted())
                )

    async def _first(self, tail: int) -> list[tuple[ContainerWorkload, PodmanLogLine]]:
        while True:
            try:
                return await newest_lines(self.client, self._wanted(), tail)
            except PodmanUnavailable:
                await asyncio.sleep(_PAUSE)  # the service is being started again

    async def _follow_container(
        self, wanted: ContainerWorkload, cursor: LogCursor, queue: asyncio.Queue[LogLine | None]
    ) -> None:
        while True:
            installed = self._installed()
            try:
                await self.reconciler.observer.look()
                run = self._run(wanted)
                if run is not None:
                    await self._read_run(wanted, cursor, queue, run)
                else:
                    with suppress(NotFound):  # it may not be made yet, or be gone
                        await self._read(wanted, cursor, queue, follow=False)  # what the last stream did not bring
                    if not installed:
                        return
                    await self.reconciler.changed.until(lambda: not self._installed() or self._run(wanted) is not None)
                    continue
            except PodmanError:
                # The service is started again by itself, and the cursor knows where to go on.
                if not installed:
                    return
            await asyncio.sleep(_PAUSE)

    async def _read_run(
        self, wanted: ContainerWorkload, cursor: LogCursor, queue: asyncio.Queue[LogLine | None], run: tuple[str, int]
    ) -> None:
        """Read until the stream ends, or is stuck: Podman waits for ever when it misses the end of a container."""
        reading = asyncio.create_task(self._read(wanted, cursor, queue, follow=True))
        over = asyncio.create_task(self.reconciler.changed.until(lambda: self._run(wanted) != run))
        try:
            await asyncio.wait({reading, over}, return_when=asyncio.FIRST_COMPLETED)
            while not reading.done():
                await asyncio.wait({reading}, timeout=_LAST_WORDS)
                if not queue.full():  # else it is the client who is slow
                    break
            if reading.done():
                reading.result()
        finally:
            for task in (reading, over):
                task.cancel()
            await asyncio.gather(reading, over, return_exceptions=True)

    async def _read(
        self, wanted: ContainerWorkload, cursor: LogCursor, queue: asyncio.Queue[LogLine | None], *, follow: bool
    ) -> None:
        cursor.reopen()
        async with aclosing(self.client.containers.logs(wanted.name, since=cursor.since, follow=follow)) as lines:
            async for line in lines:
                if cursor.is_new(line):
                    # Taken once it is in the queue: whoever is cancelled before has not read it.
                    await queue.put(log_line(wanted, line))
                    cursor.take(line)

    def _run(self, wanted: ContainerWorkload) -> tuple[str, int] | None:
        """Return what tells one run of a container from another, as it was last seen; None while it does not run."""
        found = self.reconciler.observer.last.of(self.app).get(wanted.name)
        return (found.id, found.pid) if found is not None and is_running(found) else None

    def _installed(self) -> bool:
        return self.app in self.reconciler.desired.apps

    def _wanted(self) -> tuple[ContainerWorkload, ...]:
        found = self.reconciler.desired.apps.get(self.app)
        containers = found.workload.containers if found is not None else ()
        return tuple(wanted for wanted in containers if self.container in (None, wanted.container))
