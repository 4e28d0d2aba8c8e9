"""Shows how many bytes a step has moved; who moves them says so from where nobody may wait."""

import asyncio
import contextlib
from typing import Self

from archipelago.backups.restic.says import ByteCount
from archipelago.container.operations.tracker import Tracker
from archipelago.support.texts.sizes import size_words
from archipelago.support.texts.text import msg


class ByteProgress:
    """Passes the newest count on to a step, for as long as it is entered."""

    def __init__(self, tracker: Tracker, step: str) -> None:
        self._tracker = tracker
        self._step = step
        self._newest: ByteCount | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def show(self, count: ByteCount) -> None:
        """Take a count."""
        self._newest = count
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if (count := self._newest) is None:
                continue
            detail = (
                msg("{done} of {total}", done=size_words(count.done), total=size_words(count.total))
                if count.total
                else size_words(count.done)
            )
            percent = count.percent if count.total else None
            await self._tracker.progress(self._step, percent, detail, moved=(count.done, count.total or None))
