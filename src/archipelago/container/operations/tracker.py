"""The steps of a running operation, and how they get written down."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from archipelago.api.operations import Step as StepView
from archipelago.errors import NodeError
from archipelago.storage.records.operations import OperationFailure, OperationRecord, OperationState, StepRecord
from archipelago.storage.stores.state import State
from archipelago.support.texts.text import msg

_WRITE_EVERY = 0.5
"""Least time between two writes of mere progress, in seconds."""


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
        self._later: asyncio.Task[None] | None = None
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

    def is_free(self, apps: frozenset[str]) -> bool:
        """Return whether no other operation works on one of these apps."""
        return self._locks.is_free(self.record.id, apps)

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

    async def fail(self, name: str, why: str) -> None:
        """End a step that failed, while the operation goes on with others."""
        await self._step(name, state=OperationState.FAILED, detail=why)

    async def mirror(self, name: str, percent: float, steps: Sequence[StepView]) -> None:
        """Say of a step how far the operation is that does its work: `steps` are those of that operation."""
        now = next((each for each in steps if each.state is OperationState.RUNNING), None)
        if now is None:
            return
        detail = msg("{step}: {detail}", step=now.name, detail=now.detail) if now.detail else now.name
        await self._step(name, percent=percent, detail=detail, bytes_done=now.bytes_done, bytes_total=now.bytes_total)

    async def commit(self) -> None:
        """Say that what was done so far cannot be undone."""
        await self._update(cancellable=False)

    def commit_unwritten(self, done: Sequence[str], started: str) -> None:
        """Have no cancel succeed from now on, some steps ended and one started; the next change writes that down.

        For where a moment counts: whoever resumes the operation has to know what it means that this is not written.
        """
        changes = {name: {"state": OperationState.DONE, "percent": 100.0} for name in done}
        changes[started] = {"state": OperationState.RUNNING}
        steps = tuple(step.model_copy(update=changes.get(step.name, {})) for step in self.record.steps)
        self.record = self.record.model_copy(update={"cancellable": False, "steps": steps, "percent": _percent(steps)})
        self._changed()

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
        self.close()
        self._written = time.monotonic()
        written = await self._state.save_operation(self.record)
        # Steps go on side by side: one may have changed meanwhile.
        self.record = self.record.model_copy(update={"revision": max(self.record.revision, written.revision)})

    def close(self) -> None:
        """Write no progress that still waits for its turn."""
        if self._later is not None:
            self._later.cancel()
            self._later = None

    async def _step(self, name: str, **changes: object) -> None:
        changes = {key: value for key, value in changes.items() if key != "detail" or value is not None}
        changes = _redacted(changes, self._redact)
        steps = tuple(step.model_copy(update=changes) if step.name == name else step for step in self.record.steps)
        await self._update(lazy="state" not in changes, steps=steps, percent=_percent(steps))

    async def _update(self, *, lazy: bool = False, **changes: object) -> None:
        self.record = self.record.model_copy(update={**changes, "updated_at": datetime.now(UTC)})
        if not lazy:
            await self.write()
        elif (wait := self._written + _WRITE_EVERY - time.monotonic()) <= 0:
            await self._write_progress()
        elif self._later is None:
            # It may be the last that is said for a long time, and a page that waits for changes must get it.
            self._later = asyncio.create_task(self._write_progress_in(wait))
        self._changed()

    async def _write_progress_in(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._later = None
        await self._write_progress()

    async def _write_progress(self) -> None:
        # An hour of fetching must not be lost because its percent could not be written down.
        with contextlib.suppress(NodeError):
            await self.write()


class Locks(Protocol):
    """Says who works on which apps (`Operations`)."""

    def lock(self, operation: str, apps: frozenset[str]) -> bool:
        """Make `apps` those that an operation locks; False where others work on one of them."""
        ...

    async def until_free(self, operation: str, apps: frozenset[str]) -> None:
        """Wait until nobody but an operation works on one of these apps."""
        ...

    def is_free(self, operation: str, apps: frozenset[str]) -> bool:
        """Return whether nobody but an operation works on one of these apps."""
        ...


def _percent(steps: Sequence[StepRecord]) -> float:
    """Return how far the whole operation is."""
    done = sum(1.0 if step.state.ended else (step.percent or 0.0) / 100 for step in steps)
    return round(100 * done / max(1, len(steps)), 1)


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
