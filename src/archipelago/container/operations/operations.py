"""Operations: durable pieces of work with steps, progress and cancel, one at a time per app."""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from archipelago.api.operations import Operation, OperationKind, operation_view, operation_views
from archipelago.container.operations.kinds import kind_words
from archipelago.container.operations.tracker import Tracker
from archipelago.container.podman_client.errors import PodmanError, code_of
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.operations import OperationFailure, OperationRecord, OperationState
from archipelago.storage.stores.state import State
from archipelago.support.broadcast import Signal
from archipelago.support.texts.text import msg

_WRITE_AGAIN = 5.0
"""Seconds until the end of an operation that could not be written is written again."""


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

    async def follow(self, operation: str, on_change: Callable[[Operation], Awaitable[None]]) -> Operation:
        """Call `on_change` at each change of an operation, and return it once it has ended."""
        while (running := self._running.get(operation)) is not None:
            tracker, seen = running[0], running[0].record
            await on_change(operation_view(seen))

            def has_changed(tracker: Tracker = tracker, seen: OperationRecord = seen) -> bool:
                return operation not in self._running or tracker.record is not seen

            await self._changed.until(has_changed)
        return await self.get(operation)

    @property
    def closing(self) -> bool:
        """Whether the node is shutting down: what is interrupted now is taken up again later."""
        return self._closing

    async def newest(self, app: str | None, limit: int) -> tuple[Operation, ...]:
        """Return the newest operations first, running ones as they stand; these also where many came after them."""
        live = {key: tracker.record for key, (tracker, _, _) in self._running.items()}
        live |= {key: tracker.record for key, (tracker, _) in self._unwritten.items()}
        found = [live.pop(record.id, record) for record in await self._state.operations(app, limit)]
        older = [each for each in reversed(live.values()) if app in (None, each.app)]
        return operation_views((*found, *older))

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
                    _still_works(tracker.record, shared),
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
        if not self.is_free(operation, apps):
            return False
        tracker, task, _ = self._running[operation]
        self._running[operation] = (tracker, task, apps)
        self._changed.notify()
        return True

    async def until_free(self, operation: str, apps: frozenset[str]) -> None:
        """Wait until nobody but this operation works on one of these apps."""
        await self._changed.until(lambda: self.is_free(operation, apps))

    def is_free(self, operation: str, apps: frozenset[str]) -> bool:
        """Return whether nobody but this operation works on one of these apps."""
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
            tracker.close()
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


def _still_works(record: OperationRecord, shared: Sequence[str]) -> str:
    kind = kind_words(record.kind)
    if not record.app:  # it is about the whole node
        return msg("there is another {kind}, which has not ended", kind=kind)
    return msg("{kind} of {app} is still working on {shared}", kind=kind, app=record.app, shared=", ".join(shared))
