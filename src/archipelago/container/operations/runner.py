"""Opens jobs as operations, and resumes those that a crash cut off."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import structlog

from archipelago.api.operations import Operation, OperationKind
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.operations import Operations, Work
from archipelago.container.operations.registry import Kinds
from archipelago.container.operations.tracker import Tracker
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord


class JobRunner:
    """Runs jobs with the parts of the node."""

    def __init__(self, parts: JobParts, operations: Operations, find_kinds: Callable[[], Kinds]) -> None:
        self._parts = parts
        self._operations = operations
        self._find_kinds = find_kinds
        self._log = structlog.get_logger("jobs")
        self.deciding = asyncio.Lock()
        """Taken while a request becomes an operation: what its job is made of is still so when it is opened.

        Requests for all other apps wait for it, so what takes long, such as to measure a volume, comes before.
        """

    async def idle(self, app: str) -> AppRecord:
        """Return the record of an installed app, for what comes before `request`. Raises `NodeError` as that does."""
        self._operations.refuse_if_busy(frozenset({app}))
        return await self._parts.planner.installed(app)

    @contextlib.asynccontextmanager
    async def request(self, app: str) -> AsyncIterator[AppRecord]:
        """Return the record of an installed app, of which nobody else opens a job as long as this lasts.

        Raises `NodeError` where it is not installed, or an operation works on it.
        """
        async with self.deciding:
            # First: what still goes on may change the record between this look and the operation.
            self._operations.refuse_if_busy(frozenset({app}))
            yield await self._parts.planner.installed(app)

    async def open(self, job: Job) -> Operation:
        """Write a job down as an operation, and start it. Raises `NodeError` BUSY where one of its apps is locked."""
        return await self._operations.open(OperationKind(job.kind), job.app, job.touches, job.arguments, self.work(job))

    async def open_planned(self, app: str, plan: Callable[[], Awaitable[Job | None]]) -> Operation | None:
        """Open the job that is planned of an app, of which nobody else opens one meanwhile; None where there is none.

        Raises `NodeError`: BUSY where an operation works on the app.
        """
        async with self.deciding:
            self._operations.refuse_if_busy(frozenset({app}))
            job = await plan()
            return None if job is None else await self.open(job)

    async def follow(self, operation: str, on_change: Callable[[Operation], Awaitable[None]]) -> Operation:
        """Call `on_change` at each change of an operation, and return it once it has ended."""
        return await self._operations.follow(operation, on_change)

    async def leave(self, operation: str) -> None:
        """Cancel an operation; one that is past that point goes on to its end by itself."""
        try:
            await self._operations.cancel(operation)
        except NodeError as error:
            if error.code is not ErrorCode.TOO_LATE:
                raise

    @property
    def closing(self) -> bool:
        """Whether the node goes down."""
        return self._operations.closing

    async def suspend(self) -> None:
        """Keep the apps down whose data a job was changing when a crash cut it off; call it before anything starts."""
        records = await self._parts.state.unfinished_operations()
        kinds = self._find_kinds() if records else {}
        for record in records:
            kind = kinds.get(record.kind)
            with contextlib.suppress(NodeError):  # `resume` says so
                if kind is not None:
                    self._parts.reconciler.suspend(more=kind.load(record.app, record.arguments).suspended)

    async def resume(self) -> None:
        """Resume the operations that a crash cut off; one whose row cannot be read fails, and says so."""
        records = await self._parts.state.unfinished_operations()
        kinds = self._find_kinds() if records else {}
        for record in records:
            kind = kinds.get(record.kind)
            if kind is None:
                self._log.warning("only the version that opened it resumes this operation", operation=record.id)
                continue
            try:
                job = kind.load(record.app, record.arguments)
            except NodeError as error:
                await self._operations.resume(record, frozenset(), _refusal(error))
            else:
                await self._operations.resume(record, job.touches, self.work(job))

    def work(self, job: Job) -> Work:
        """Return the work of a job: a cancel undoes it, and a shutdown only interrupts it."""

        async def work(tracker: Tracker) -> None:
            parts = replace(self._parts, opener=self)
            whole = await job.completed(parts)
            try:
                await whole.run(parts, tracker)
            except asyncio.CancelledError:
                if not self._operations.closing:
                    await whole.undo(parts)
                raise

        return work


def _refusal(error: NodeError) -> Work:
    async def work(_: Tracker) -> None:
        raise error

    return work
