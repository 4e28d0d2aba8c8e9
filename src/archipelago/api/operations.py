"""Operations: what they are, how far they are, and why they failed."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from archipelago.api.view import View


class OperationKind(StrEnum):
    """What an operation does."""

    INSTALL = "install"
    START = "start"
    STOP = "stop"
    RESTART = "restart"
    REMOVE = "remove"
    UPDATE = "update"
    CONFIGURE = "configure"
    SECRETS = "secrets"
    """Secrets are set or replaced."""
    REPAIR = "repair"
    """What an app declares to repair it is carried out."""


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


class Step(View):
    """One step of an operation."""

    name: str
    """What is done, such as `build image of electrumx`."""
    state: OperationState = OperationState.PENDING
    percent: float | None = None
    detail: str = ""


class ErrorView(View):
    """Why an operation failed."""

    code: str
    message: str
    hint: str = ""
    data: dict[str, object] = Field(default={})


class Operation(View):
    """A durable piece of work, with steps and progress."""

    id: str
    kind: OperationKind
    app: str
    state: OperationState
    percent: Annotated[float, Field(ge=0, le=100)]
    steps: tuple[Step, ...] = ()
    error: ErrorView | None = None
    cancellable: bool = True
    """Whether cancelling it brings back what was before; false once it is past that point."""
    created_at: datetime
    updated_at: datetime
    revision: int = 0
    """Revision of the event stream that contains the operation's newest change."""
