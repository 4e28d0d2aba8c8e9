"""What jobs about the whole node have in common: they open an operation for each app, one after the other."""

import asyncio
import contextlib
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from pydantic import Field

from archipelago.api.operations import Operation
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.opener import JobOpener
from archipelago.container.operations.tracker import Tracker
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.operations import OperationState, StepRecord
from archipelago.support.texts.text import joined, msg


@dataclass(frozen=True, slots=True)
class Errand:
    """One app of a job about the whole node."""

    step: str
    app: str
    plan: Callable[[], Awaitable[Job | None]]
    """Makes its job, while nobody else can open one; None where nothing is left to do. Raises `NodeError`."""
    check: Callable[[], Awaitable[None]] | None = None
    """Refuses it before that, by what takes long to find out. Raises `NodeError`."""


class NodeJob(Job):
    """It locks no app: each operation that it opens locks its own, and is stored, resumed and cancelled by itself.

    Which of its steps have ended is in its row as well, so after a crash it goes on with the others. A cancel cancels
    the operation that it waits for; one that is past that point goes on, so nothing is left half done.
    """

    app: str = Field(default="", exclude=True)
    waits_for: str = ""
    """Id of the operation that it opened last."""
    waits_at: str = ""
    """Step that this operation belongs to."""

    @property
    def touches(self) -> frozenset[str]:
        """Nothing but its own place: there is one such job at a time."""
        return frozenset({self.app})

    async def run(self, parts: JobParts, tracker: Tracker) -> None:
        """Do all that is left. Raises `NodeError` INCOMPLETE, which names what failed and why."""
        await self.run_all(parts, tracker)
        if failures := failed_steps(tracker.record.steps):
            raise self.incomplete(failures)

    @abstractmethod
    async def run_all(self, parts: JobParts, tracker: Tracker) -> None:
        """Carry out each errand that has not ended."""

    @abstractmethod
    def incomplete(self, failures: Sequence[StepRecord]) -> NodeError:
        """Return the error that says what is missing."""

    async def carry_out(self, parts: JobParts, tracker: Tracker, errand: Errand) -> None:
        """Open the operation of an errand, and wait for its end. What fails is said of its step alone."""
        opener = parts.opener
        assert opener is not None, "the runner gives it to each job"
        await tracker.begin(errand.step)
        try:
            ended = await self._resumed(opener, tracker, errand) or await self._done(opener, tracker, errand)
        except NodeError as error:
            await tracker.fail(errand.step, error.message)
            return
        if ended is None or ended.state is OperationState.DONE:
            await tracker.finish(errand.step, last_words(ended))
        elif ended.error is not None:
            await tracker.fail(errand.step, ended.error.message)

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


def failed_steps(steps: Sequence[StepRecord]) -> tuple[StepRecord, ...]:
    """Return the steps that failed."""
    return tuple(each for each in steps if each.state is OperationState.FAILED)


def open_steps(steps: Sequence[StepRecord], names: Sequence[str]) -> tuple[str, ...]:
    """Return those of some steps that have not ended."""
    ended = {each.name for each in steps if each.state.ended}
    return tuple(name for name in names if name not in ended)


def reasons(failures: Sequence[StepRecord]) -> str:
    """Return what failed, and why, as one text."""
    return joined([msg("{step}: {why}", step=each.name, why=each.detail) for each in failures], "; ")


def last_words(ended: Operation | None) -> str:
    """Return what an operation says at its end."""
    return next((each.detail for each in reversed(ended.steps) if each.detail), "") if ended is not None else ""
