"""The logs of an app: of all its containers together, as they are, or followed over restarts and updates."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from archipelago.api.containers import LogLine
from archipelago.container.logs.file import LogFile, last_lines
from archipelago.container.logs.parser import UNFINISHED, LogText
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.container.reports.containers import Installed, chosen
from archipelago.container.workload.workload import ContainerWorkload
from archipelago.errors import NodeError
from archipelago.support.first_error import FirstError

_AHEAD = 4
"""Pieces of a log that are read before the client has taken them."""
_BATCH = 500
"""Lines that are passed on at once: to write them as JSON must not make others wait."""
_PAUSE = 0.1
"""Seconds between two looks at a log to which nothing was added."""
_WATCH = 0.05
"""Seconds between two looks at whether a log goes on in another file: conmon fills one in no less."""


async def newest_lines(
    containers: Iterable[ContainerWorkload], redact: Callable[[str], str], tail: int
) -> tuple[LogLine, ...]:
    """Return the last `tail` lines of all containers together, in the order of their times. Raises `NodeError`."""

    def read() -> list[tuple[ContainerWorkload, LogText]]:
        return [(each, line) for each in containers for line in last_lines(each.log, redact, tail)]

    return _merged(await asyncio.to_thread(read), tail)


@dataclass(frozen=True, slots=True)
class LogFollower:
    """One client's view of the log of one app."""

    reconciler: Reconciler
    redact: Callable[[str], str]
    app: str
    container: str | None
    """The only container that is followed; None for all."""
    tail: int
    """Lines that come first, of all containers together."""

    async def lines(self) -> AsyncGenerator[tuple[LogLine, ...], None]:
        """Yield the last lines, then new ones, until the app is removed; close it when the client leaves.

        They come some hundred at a time where there are many: a step for each would lose to a fast app. Raises
        `NodeError`.
        """
        queue: asyncio.Queue[tuple[LogLine, ...] | None] = asyncio.Queue(_AHEAD)
        work = asyncio.create_task(self._fill(queue))
        try:
            while (lines := await queue.get()) is not None:
                yield lines
            await work
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _fill(self, queue: asyncio.Queue[tuple[LogLine, ...] | None]) -> None:
        """Put lines into the queue, and None at the end."""
        files: dict[Path, LogFile] = {}
        try:
            await self._follow(files, queue)
        except Exception:
            await queue.put(None)
            raise
        finally:
            for file in files.values():
                await asyncio.to_thread(file.close)
        await queue.put(None)

    async def _follow(self, files: dict[Path, LogFile], queue: asyncio.Queue[tuple[LogLine, ...] | None]) -> None:
        found = []
        for wanted in self._wanted():
            file = files[wanted.log] = LogFile(wanted.log, self.redact)
            found += [(wanted, line) for line in await asyncio.to_thread(file.last, self.tail)]
        for lines in _batches(_merged(found, self.tail)):
            await queue.put(lines)
        followed: set[Path] = set()
        async with FirstError(), asyncio.TaskGroup() as group:
            while not self._is_gone():
                # An update may bring other containers.
                for wanted in self._wanted():
                    if wanted.log not in followed:
                        followed.add(wanted.log)
                        file = files.setdefault(wanted.log, LogFile(wanted.log, self.redact))
                        group.create_task(self._follow_container(wanted, file, queue))
                await self.reconciler.changed.until(
                    lambda: self._is_gone() or any(wanted.log not in followed for wanted in self._wanted())
                )

    async def _follow_container(
        self, wanted: ContainerWorkload, file: LogFile, queue: asyncio.Queue[tuple[LogLine, ...] | None]
    ) -> None:
        watch = asyncio.create_task(_watch(file))
        try:
            await self._pass_on(wanted, file, queue)
        finally:
            watch.cancel()

    async def _pass_on(
        self, wanted: ContainerWorkload, file: LogFile, queue: asyncio.Queue[tuple[LogLine, ...] | None]
    ) -> None:
        silent = 0.0
        while True:
            # Before the log is read: it is all there once nothing runs that would write it.
            ended = self._is_gone()
            found = await asyncio.to_thread(file.next)
            silent = 0.0 if found is not None else silent + _PAUSE
            overdue = silent >= UNFINISHED.total_seconds() or (ended and found is None)
            found_now = await asyncio.to_thread(file.rest) if overdue else found or []
            for lines in _batches(tuple(_log_line(wanted, line) for line in found_now)):
                await queue.put(lines)
            if found is None:
                if ended:
                    return
                await asyncio.sleep(_PAUSE)

    def _is_gone(self) -> bool:
        return self.app not in self.reconciler.desired.apps and self.reconciler.is_gone(self.app)

    def _wanted(self) -> tuple[ContainerWorkload, ...]:
        found = self.reconciler.desired.apps.get(self.app)
        containers = found.workload.containers if found is not None else ()
        return tuple(wanted for wanted in containers if self.container in (None, wanted.container))


@dataclass(frozen=True, slots=True)
class LogReporter:
    """Reads the logs of apps."""

    installed: Installed
    reconciler: Reconciler
    redact: Callable[[str], str]
    """Takes secrets out of what apps write."""

    async def logs(self, app: str, container: str | None, tail: int) -> tuple[LogLine, ...]:
        """Return the last `tail` lines of one container, or of all together in the order of their times."""
        found = await self.installed(app)
        return await newest_lines(chosen(found, container), self.redact, tail)

    async def follow_logs(
        self, app: str, container: str | None, tail: int
    ) -> AsyncGenerator[tuple[LogLine, ...], None]:
        """Yield the last lines, and then new ones until the app is removed."""
        chosen(await self.installed(app), container)
        async with aclosing(LogFollower(self.reconciler, self.redact, app, container, tail).lines()) as lines:
            async for line in lines:
                yield line


async def _watch(file: LogFile) -> None:
    """Keep what the reader has not come to, however long the client lets it wait."""
    while True:
        with contextlib.suppress(NodeError):  # the reader says it
            await asyncio.to_thread(file.watch)
        await asyncio.sleep(_WATCH)


def _batches(lines: tuple[LogLine, ...]) -> Iterator[tuple[LogLine, ...]]:
    yield from (lines[at : at + _BATCH] for at in range(0, len(lines), _BATCH))


def _merged(found: list[tuple[ContainerWorkload, LogText]], tail: int) -> tuple[LogLine, ...]:
    if len({wanted.container for wanted, _ in found}) > 1:
        found.sort(key=lambda pair: pair[1].at)
    return tuple(_log_line(wanted, line) for wanted, line in found[max(0, len(found) - tail) :])


def _log_line(wanted: ContainerWorkload, line: LogText) -> LogLine:
    return LogLine(
        container=wanted.container, stream=line.stream.value, at=line.at, text=line.text, missing=line.missing
    )
