"""Operations: what they are, how far they are, and why they failed."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.operations import OperationRecord, OperationState
from archipelago.support.texts.text import msg
from archipelago.support.texts.translatable import Prose, Translatable
from archipelago.support.view import View


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
    SNAPSHOT = "snapshot"
    """A snapshot of the app is taken."""
    SNAPSHOT_LOOK = "snapshot-look"
    """A scratch copy of the app runs from a snapshot, without network."""
    RESTORE = "restore"
    """The app goes back to a snapshot."""
    BACKUP = "backup"
    """A backup of the app is written."""
    BACKUP_RESTORE = "backup-restore"
    """The app goes back to a backup, or is installed from one."""
    BACKUP_DRILL = "backup-drill"
    """A backup of the app is restored for a trial."""
    BACKUP_ALL = "backup-all"
    """Apps are backed up one after the other; of the whole node, so it has no `app`."""
    BACKUP_DRILL_ALL = "backup-drill-all"
    """The newest backups of apps are restored for a trial; it has no `app` either."""
    BACKUP_RESTORE_ALL = "backup-restore-all"
    """Every app that has a backup and is not installed comes back; it has no `app` either."""
    REPAIR = "repair"
    """What an app declares to repair it is carried out."""


_KINDS = frozenset(each.value for each in OperationKind)


class Step(Translatable, View):
    """One step of an operation."""

    name: Prose
    """What is done, such as `build image of electrumx`."""
    state: OperationState = OperationState.PENDING
    percent: float | None = None
    detail: Prose = ""
    bytes_done: int | None = None
    """Bytes that were moved so far, where it moves any."""
    bytes_total: int | None = None
    """Bytes that it moves in all; null while nobody knows."""


class ErrorView(Translatable, View):
    """Why an operation failed."""

    code: str
    message: Prose
    hint: Prose = ""
    data: dict[str, object] = Field(default={})


class Operation(View):
    """A durable piece of work, with steps and progress."""

    id: str
    kind: OperationKind
    app: str
    """Empty where it is about the whole node."""
    apps: tuple[str, ...] = ()
    """All apps that it works on, in the order in which they start or stop."""
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


def operation_view(record: OperationRecord) -> Operation:
    """Return what leaves the node of an operation. Raises `NodeError` for one of a kind that this version lacks."""
    if record.kind not in _KINDS:
        raise NodeError(
            ErrorCode.UNKNOWN_OPERATION,
            msg(
                "operation {operation} is a {kind}, which this version of Archipelago does not know",
                operation=record.id,
                kind=f"{record.kind!r}",
            ),
            hint=msg("start the version again that opened it"),
        )
    return Operation.model_validate({**record.model_dump(), "apps": _apps(record.arguments.get("apps"))})


def _apps(stored: object) -> tuple[str, ...]:
    # Another version may have stored something else.
    return tuple(app for app in stored if isinstance(app, str)) if isinstance(stored, list | tuple) else ()


def operation_views(records: Iterable[OperationRecord]) -> tuple[Operation, ...]:
    """Return what leaves the node of operations, without those of a kind that this version lacks."""
    return tuple(operation_view(record) for record in records if record.kind in _KINDS)
