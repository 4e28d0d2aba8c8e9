"""A job that opens operations of other apps, and waits for each of them."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from archipelago.api.operations import Operation
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.opener import JobOpener
from archipelago.container.operations.tracker import Tracker
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg


@dataclass(frozen=True, slots=True)
class Errand:
    """One app of a job about the whole node."""

    step: str
    app: str
    plan: Callable[[], Awaitable[Job | None]]
    """Makes its job, while nobody else can open one; None where nothing is left to do. Raises `NodeError`."""
    check: Callable[[], Awaitable[None]] | None = None
    """Refuses it before that, by what takes long to find out. Raises `NodeError`."""


class OpeningJob(Job):
    """Each operation that it opens locks its own apps, and is stored, resumed and cancelled by itself.

    A cancel cancels the operation that it waits for; one that is past that point goes on, so nothing is left half done.
    """

    waits_for: str = ""
    """Id of the operation that it opened last."""
    waits_at: str = ""
    """Step that this operation belongs to."""

    async def ended_operation(self, parts: JobParts, tracker: Tracker, errand: Errand) -> Operation | None:
        """Open the operation of an errand, or take up the one that a crash cut off, and return it, ended.

        None where there is nothing to do. Raises `NodeError` where it cannot be opened.
        """
        opener = parts.opener
        assert opener is not None, "the runner gives it to each job"
        return await self._resumed(opener, tracker, errand) or await self._done(opener, tracker, errand)

    async def _resumed(self, opener: JobOpener, tracker: Tracker, errand: Errand) -> Operation | None:
        """Return the operation that a crash cut off while this job waited for it, ended; None where there was none."""
        if self.waits_at != errand.step:
            return None
        with contextlib.suppress(NodeError):  # so many operations came after it that it is not remembered
            return await self._followed(opener, tracker, errand.step, self.waits_for)
        return None

    async def _done(self, opener: JobOpener, tracker: Tracker, errand: Errand) -> Operation | None:
        """Open the operation, and return it, ended; None where there is nothing to do."""
        apps = frozenset({errand.app})
        while True:
            if not tracker.is_free(apps):
                await tracker.progress(errand.step, None, msg("waits for another operation on {app}", app=errand.app))
                await tracker.until_free(apps)
            if errand.check is not None:
                await errand.check()
            opening = asyncio.ensure_future(opener.open_planned(errand.app, errand.plan))
            try:
                operation = await asyncio.shield(opening)
            except asyncio.CancelledError:
                with contextlib.suppress(NodeError):  # where it was refused, there is nothing to leave
                    if (opened := await opening) is not None:
                        await self._leave(opener, opened.id)
                raise
            except NodeError as error:
                if error.code is ErrorCode.BUSY and not tracker.is_free(apps):
                    continue  # somebody else was faster
                raise
            if operation is None:
                return None
            return await self._followed(opener, tracker, errand.step, operation.id)

    async def _followed(self, opener: JobOpener, tracker: Tracker, step: str, operation: str) -> Operation:
        async def show(now: Operation) -> None:
            await tracker.mirror(step, now.percent, now.steps)

        try:
            await tracker.store(self.model_copy(update={"waits_for": operation, "waits_at": step}).arguments)
            return await opener.follow(operation, show)
        except asyncio.CancelledError:
            await self._leave(opener, operation)
            raise

    async def _leave(self, opener: JobOpener, operation: str) -> None:
        if not opener.closing:
            await opener.leave(operation)
