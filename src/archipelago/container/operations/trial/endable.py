"""A trial run that the node can end before its time, with a reason."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from archipelago.errors import NodeError

T = TypeVar("T")


class EndableRun:
    """One trial run; it is over once nothing of it is left."""

    def __init__(self, least_free: int) -> None:
        """`least_free` are the bytes of the disk that it must leave free."""
        self.least_free = least_free
        self.ended: NodeError | None = None
        """Why it was ended."""
        self._task: asyncio.Task[Any] | None = None

    def end(self, why: NodeError) -> None:
        """Have what runs cancelled; `of` raises the reason."""
        self.ended = why
        if self._task is not None:
            self._task.cancel()

    async def of(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what the work returns. Raises what it raises, and why it was ended."""
        task: asyncio.Task[T] = asyncio.create_task(work)
        self._task = task
        try:
            return await task
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if self.ended is None or (caller is not None and caller.cancelling()):
                raise
            raise self.ended from None
