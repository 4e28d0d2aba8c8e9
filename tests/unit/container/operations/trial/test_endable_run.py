"""A trial run that is ended before its time says why, and one that is cancelled does not."""

import asyncio

import pytest

from archipelago.container.operations.trial.endable import EndableRun
from archipelago.errors import ErrorCode, NodeError

WHY = NodeError(ErrorCode.DISK_FULL, "no room")


async def for_ever(started: asyncio.Event, cleared: list[str]) -> None:
    """Run until cancelled."""
    started.set()
    try:
        await asyncio.Event().wait()
    finally:
        cleared.append("cleared")


async def test_it_raises_why_it_was_ended_once_it_has_cleared_up() -> None:
    run, started, cleared = EndableRun(0), asyncio.Event(), list[str]()
    caller = asyncio.create_task(run.of(for_ever(started, cleared)))
    await started.wait()
    run.end(WHY)
    with pytest.raises(NodeError, match="no room"):
        await caller
    assert cleared == ["cleared"] and run.ended is WHY


async def test_a_cancel_is_a_cancel() -> None:
    run, started, cleared = EndableRun(0), asyncio.Event(), list[str]()
    caller = asyncio.create_task(run.of(for_ever(started, cleared)))
    await started.wait()
    run.end(WHY)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert cleared == ["cleared"]


async def test_what_ends_by_itself_returns_or_raises_what_it_would() -> None:
    async def answer() -> int:
        return 7

    async def fails() -> int:
        raise ValueError("broken")

    assert await EndableRun(0).of(answer()) == 7
    with pytest.raises(ValueError, match="broken"):
        await EndableRun(0).of(fails())
