"""Operations: durable pieces of work with steps, progress and cancel, one at a time per app."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

import structlog

from archipelago.api.operations import Operation, OperationKind, operation_view, operation_views
from archipelago.container.operations.kinds import kind_words
from archipelago.container.podman_client.errors import PodmanError, code_of
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.operations import OperationFailure, OperationRecord, OperationState, StepRecord
from archipelago.storage.stores.state import State
from archipelago.support.broadcast import Signal
from archipelago.support.texts.text import msg

_WRITE_EVERY = 0.5
"""Least time between two writes of mere progress, in seconds."""
_WRITE_AGAIN = 5.0
"""Seconds until the end of an operation that could not be written is written again."""


class Tracker:
    """The steps of one running operation. Changes of state are written at once, mere progress now and then."""

    def __init__(
        self,
        state: State,
        record: OperationRecord,
        changed: Callable[[], None],
        redact: Callable[[str], str],
        locks: "Locks",
    ) -> None:
        self._state = state
        self._changed = changed
        self._redact = redact
        self._locks = locks
        self._written = 0.0
        self.record = record

    def lock(self, apps: frozenset[str]) -> bool:
        """Lock these apps instead of those locked until now; False, and no change, where another works on one."""
        return self._locks.lock(self.record.id, apps)

    def unlock(self) -> None:
        """Let others work on the apps from now on, while the operation goes on."""
        self._locks.lock(self.record.id, frozenset())

    async def until_free(self, apps: frozenset[str]) -> None:
        """Wait until no other operation works on one of these apps."""
        await self._locks.until_free(self.record.id, apps)

    async def steps(self, names: tuple[str, ...]) -> None:
        """Say which steps there will be."""
        await self._update(steps=tuple(StepRecord(name=name) for name in names))

    async def more_steps(self, names: tuple[str, ...]) -> None:
        """Add steps behind those that there are."""
        known = {step.name for step in self.record.steps}
        new = tuple(StepRecord(name=name) for name in names if name not in known)
        await self._update(steps=(*self.record.steps, *new))

    async def store(self, arguments: Mapping[str, Any]) -> None:
        """Write down with what the operation is resumed from now on. Raises `NodeError` where that cannot be."""
        await self._update(arguments=arguments)

    async def begin(self, name: str, detail: str = "") -> None:
        """Start a step."""
        await self._step(name, state=OperationState.RUNNING, detail=detail)

    async def progress(
        self, name: str, percent: float | None, detail: str, moved: tuple[int, int | None] = (0, None)
    ) -> None:
        """Say how far a step is; `moved` are the bytes until now and in all, where it moves any."""
        done, total = moved
        known = {"bytes_done": done, "bytes_total": total} if done or total else {}
        await self._step(name, percent=percent, detail=detail, **known)

    async def finish(self, name: str, detail: str | None = None) -> None:
        """End a step; without a new `detail`, what was said of it last stays."""
        await self._step(name, state=OperationState.DONE, percent=100.0, detail=detail)

    async def commit(self) -> None:
        """Say that what was done so far cannot be undone."""
        await self._update(cancellable=False)

    async def end(self, state: OperationState, error: OperationFailure | None = None) -> None:
        """End the operation; steps that were not finished end with it."""
        steps = tuple(
            step if step.state.ended else step.model_copy(update={"state": state}) for step in self.record.steps
        )
        percent = 100.0 if state is OperationState.DONE else self.record.percent
        if error is not None:
            # It may quote what an app, a build or Podman printed.
            said = _redacted(error.model_dump(include={"message", "hint", "data"}), self._redact)
            error = error.model_copy(update=said)
        await self._update(state=state, error=error, steps=steps, percent=percent, cancellable=False)

    async def write(self) -> None:
        """Write down how it stands. Raises `NodeError` where that cannot be."""
        self._written = time.monotonic()
        written = await self._state.save_operation(self.record)
        # Steps go on side by side: one may have changed meanwhile.
        self.record = self.record.model_copy(update={"revision": max(self.record.revision, written.revision)})

    async def _step(self, name: str, **changes: object) -> None:
        changes = {key: value for key, value in changes.items() if key != "detail" or value is not None}
        changes = _redacted(changes, self._redact)
        steps = tuple(step.model_copy(update=changes) if step.name == name else step for step in self.record.steps)
        done = sum(1.0 if step.state.ended else (step.percent or 0.0) / 100 for step in steps)
        mere_progress = "state" not in changes
        await self._update(lazy=mere_progress, steps=steps, percent=round(100 * done / max(1, len(steps)), 1))

    async def _update(self, *, lazy: bool = False, **changes: object) -> None:
        self.record = self.record.model_copy(update={**changes, "updated_at": datetime.now(UTC)})
        if not lazy:
            await self.write()
        elif time.monotonic() - self._written >= _WRITE_EVERY:
            # An hour of fetching must not be lost because its percent could not be written down.
            with contextlib.suppress(NodeError):
                await self.write()
        self._changed()


class Locks(Protocol):
    """Says who works on which apps (`Operations`)."""

    def lock(self, operation: str, apps: frozenset[str]) -> bool:
        """Make `apps` those that an operation locks; False where others work on one of them."""
        ...

    async def until_free(self, operation: str, apps: frozenset[str]) -> None:
        """Wait until nobody but an operation works on one of these apps."""
        ...


Work = Callable[[Tracker], Awaitable[None]]


class Operations:
    """Opens, runs, cancels and remembers operations."""

    def __init__(self, state: State, redact: Callable[[str], str]) -> None:
        """Take the database, and what takes secrets out of texts."""
        self._state = state
        self._redact = redact
        self._log = structlog.get_logger("operations")
        self._changed = Signal()
        self._running: dict[str, tuple[Tracker, asyncio.Task[None], frozenset[str]]] = {}
        self._unwritten: dict[str, tuple[Tracker, asyncio.Task[None]]] = {}
        """Operations that have ended, where the database does not say so yet."""
        self._taken: set[str] = set()
        """Apps that something else than an operation works on."""
        self._closing = False

    async def open(
        self, kind: OperationKind, app: str, apps: frozenset[str], arguments: Mapping[str, Any], work: Work
    ) -> Operation:
        """Write a new operation down and start it; raises `NodeError` BUSY when one of its apps is being worked on."""
        self.refuse_if_busy(apps | {app})
        now = datetime.now(UTC)
        record = OperationRecord(
            id=secrets.token_hex(6),
            kind=kind.value,
            app=app,
            state=OperationState.RUNNING,
            created_at=now,
            updated_at=now,
            arguments=arguments,
        )
        return operation_view(await self._run(record, apps | {app}, work, fresh=True))

    async def resume(self, record: OperationRecord, apps: frozenset[str], work: Work) -> None:
        """Run an operation again that a crash cut off."""
        self._log.info("resumes", operation=record.id, kind=record.kind, app=record.app)
        await self._run(record, apps | {record.app}, work, fresh=False)

    async def cancel(self, operation: str) -> Operation:
        """Cancel a running operation, have it undone, and return it, ended.

        Raises `NodeError` TOO_LATE where it cannot be undone any more.
        """
        if operation not in self._running:
            return await self.get(operation)
        tracker, task, _ = self._running[operation]
        if not tracker.record.cancellable:
            raise NodeError(
                ErrorCode.TOO_LATE,
                msg(
                    "{kind} of {app} cannot be undone any more, and goes on",
                    kind=kind_words(tracker.record.kind),
                    app=tracker.record.app,
                ),
                hint=msg("'archipelago operations show {operation}' shows how far it is", operation=operation),
            )
        if not task.cancelling():  # a second cancel must not interrupt the undoing
            task.cancel()
        await asyncio.wait([task])
        return operation_view(tracker.record)

    async def get(self, operation: str) -> Operation:
        """Return an operation; raises `NodeError` when there is none of that id."""
        if operation in self._running:
            return operation_view(self._running[operation][0].record)
        if operation in self._unwritten:
            return operation_view(self._unwritten[operation][0].record)
        return operation_view(await self._state.operation(operation))

    async def wait(self, operation: str, timeout: float) -> Operation:
        """Return the operation once it has ended, or as it stands after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._changed.until(lambda: operation not in self._running)
        except TimeoutError:
            pass
        return await self.get(operation)

    @property
    def closing(self) -> bool:
        """Whether the node is shutting down: what is interrupted now is taken up again later."""
        return self._closing

    async def newest(self, app: str | None, limit: int) -> tuple[Operation, ...]:
        """Return the newest operations first, running ones as they stand."""
        live = {key: tracker.record for key, (tracker, _, _) in self._running.items()}
        live |= {key: tracker.record for key, (tracker, _) in self._unwritten.items()}
        found = (live.get(record.id, record) for record in await self._state.operations(app, limit))
        return operation_views(found)

    def working_on(self, app: str) -> str | None:
        """Return the id of the operation that works on an app."""
        return next((key for key, (_, _, apps) in self._running.items() if app in apps), None)

    async def close(self) -> None:
        """Interrupt what runs; it is resumed at the next start."""
        self._closing = True
        tasks = [task for _, task, _ in self._running.values()] + [task for _, task in self._unwritten.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def refuse_if_busy(self, apps: frozenset[str]) -> None:
        """Raise `NodeError` BUSY when one of these apps is being worked on, or the node is shutting down."""
        if self._closing:
            raise NodeError(
                ErrorCode.SHUTTING_DOWN, msg("the node is shutting down"), hint=msg("start it again, then try again")
            )
        for key, (tracker, _, taken) in self._running.items():
            if shared := sorted(taken & apps):
                raise NodeError(
                    ErrorCode.BUSY,
                    msg(
                        "{kind} of {app} is still working on {shared}",
                        kind=kind_words(tracker.record.kind),
                        app=tracker.record.app,
                        shared=", ".join(shared),
                    ),
                    hint=msg("wait for it, or cancel it with 'archipelago operations cancel {key}'", key=key),
                    data={"operation": key},
                )
        if shared := sorted(self._taken & apps):
            raise NodeError(
                ErrorCode.BUSY,
                msg("the data of {shared} is being changed", shared=", ".join(shared)),
                hint=msg("wait a moment, then try again"),
            )

    def lock(self, operation: str, apps: frozenset[str]) -> bool:
        """Make `apps` those that a running operation locks; False, and no change, where others work on one of them."""
        if not self._is_free(operation, apps):
            return False
        tracker, task, _ = self._running[operation]
        self._running[operation] = (tracker, task, apps)
        self._changed.notify()
        return True

    async def until_free(self, operation: str, apps: frozenset[str]) -> None:
        """Wait until nobody but this operation works on one of these apps."""
        await self._changed.until(lambda: self._is_free(operation, apps))

    def _is_free(self, operation: str, apps: frozenset[str]) -> bool:
        others = (taken for key, (_, _, taken) in self._running.items() if key != operation)
        return apps.isdisjoint(self._taken) and all(map(apps.isdisjoint, others))

    @contextlib.contextmanager
    def kept_away(self, app: str) -> Iterator[None]:
        """Let no operation start on an app while this lasts; raises `NodeError` BUSY where one is under way."""
        self.refuse_if_busy(frozenset({app}))
        self._taken.add(app)
        try:
            yield
        finally:
            self._taken.discard(app)
            self._changed.notify()

    async def _run(self, record: OperationRecord, apps: frozenset[str], work: Work, *, fresh: bool) -> OperationRecord:
        tracker = Tracker(self._state, record, self._changed.notify, self._redact, self)
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._carry_out(tracker, work, written))
        # Taken before the first await: nobody else can slip in between the check and the lock.
        self._running[record.id] = (tracker, task, apps)
        try:
            if fresh:
                tracker.record = await self._state.save_operation(record)
        except BaseException:
            task.cancel()
            self._running.pop(record.id, None)
            raise
        written.set_result(None)
        return tracker.record

    async def _carry_out(self, tracker: Tracker, work: Work, written: "asyncio.Future[None]") -> None:
        await written
        try:
            outcome = await self._outcome(tracker, work)
            if outcome is not None:
                await self._end(tracker, *outcome)
        finally:
            self._running.pop(tracker.record.id, None)
            self._changed.notify()

    async def _outcome(self, tracker: Tracker, work: Work) -> tuple[OperationState, OperationFailure | None] | None:
        """Do the work, and return how it ended; None where it is interrupted, to be resumed at the next start."""
        try:
            await work(tracker)
            return OperationState.DONE, None
        except asyncio.CancelledError:
            if self._closing:
                return None
            return OperationState.CANCELLED, OperationFailure(
                code=ErrorCode.CANCELLED, message=msg("cancelled by its owner")
            )
        except NodeError as error:
            failed = OperationFailure(code=error.code, message=error.message, hint=error.hint, data=error.data)
        except PodmanError as error:
            failed = OperationFailure(code=code_of(error), message=str(error))
        except Exception as error:
            self._log.exception("operation failed", operation=tracker.record.id)
            failed = OperationFailure(code=ErrorCode.INTERNAL, message=msg("unexpected: {error}", error=error))
        self._log.warning("failed", operation=tracker.record.id, kind=tracker.record.kind, error=failed.message)
        return OperationState.FAILED, failed

    async def _end(self, tracker: Tracker, state: OperationState, error: OperationFailure | None) -> None:
        try:
            await tracker.end(state, error)
        except NodeError as refused:
            # The disk is full, or the database locked: how it ended is known here, and is written when that is over.
            # Until then the row says "running", and a start would resume it.
            self._log.error("cannot write the end of an operation", operation=tracker.record.id, error=refused.message)
            self._unwritten[tracker.record.id] = (tracker, asyncio.create_task(self._write_later(tracker)))

    async def _write_later(self, tracker: Tracker) -> None:
        while True:
            await asyncio.sleep(_WRITE_AGAIN)
            with contextlib.suppress(NodeError):
                await tracker.write()
                self._unwritten.pop(tracker.record.id, None)
                return


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:
    """Return a value of JSON without the secrets in its texts."""
    if isinstance(value, StrEnum):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: _redacted(each, redact) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(each, redact) for each in value]
    return value
