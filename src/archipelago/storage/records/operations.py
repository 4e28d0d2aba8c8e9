"""Operations, with what is needed to run them again."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from archipelago.storage.records.stored import Stored
from archipelago.support.texts.translatable import Prose, Translatable


class OperationState(StrEnum):
    """How far an operation is."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self in (OperationState.DONE, OperationState.FAILED, OperationState.CANCELLED)


class StepRecord(Translatable, Stored):
    """One step of an operation."""

    name: Prose
    state: OperationState = OperationState.PENDING
    percent: float | None = None
    detail: Prose = ""
    bytes_done: int | None = None
    bytes_total: int | None = None


class OperationFailure(Translatable, Stored):
    """Why an operation failed."""

    code: str
    message: Prose
    hint: Prose = ""
    data: Mapping[str, object] = Field(default={})


class OperationRecord(Stored):
    """A durable piece of work, with steps and progress."""

    id: str
    kind: str
    """As text: another version may know more kinds."""
    app: str
    state: OperationState
    percent: float = 0.0
    """0 to 100."""
    steps: tuple[StepRecord, ...] = ()
    error: OperationFailure | None = None
    cancellable: bool = True
    created_at: datetime
    updated_at: datetime
    revision: int = 0
    """Revision of the event stream that contains the newest change."""
    arguments: Mapping[str, Any] = Field(default={}, exclude=True)
    """What it was opened with; stored beside the rest."""
