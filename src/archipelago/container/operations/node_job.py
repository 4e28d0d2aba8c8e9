"""What jobs about the whole node have in common: they open an operation for each app, one after the other."""

from abc import abstractmethod
from collections.abc import Sequence

from pydantic import Field

from archipelago.api.operations import Operation
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.opening_job import Errand, OpeningJob
from archipelago.container.operations.tracker import Tracker
from archipelago.errors import NodeError
from archipelago.storage.records.operations import OperationState, StepRecord
from archipelago.support.texts.text import joined, msg


class NodeJob(OpeningJob):
    """It locks no app. Which of its steps have ended is in its row, so after a crash it goes on with the others."""

    app: str = Field(default="", exclude=True)

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
        await tracker.begin(errand.step)
        try:
            ended = await self.ended_operation(parts, tracker, errand)
        except NodeError as error:
            await tracker.fail(errand.step, error.message)
            return
        if ended is None or ended.state is OperationState.DONE:
            await tracker.finish(errand.step, last_words(ended))
        elif ended.error is not None:
            await tracker.fail(errand.step, ended.error.message)


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
