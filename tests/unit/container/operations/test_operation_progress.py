"""What an operation says last is written down, and so announced, also where something was said just before."""

import asyncio
from pathlib import Path

from archipelago.api.operations import OperationKind
from archipelago.container.operations.operations import Operations
from archipelago.container.operations.tracker import Tracker
from archipelago.storage.records.events import EventRecord
from archipelago.storage.stores.state import State
from support.databases import new_database


async def test_the_last_word_before_a_long_silence_is_announced(tmp_path: Path) -> None:
    database = await new_database(tmp_path / "state.db")
    announced: asyncio.Queue[EventRecord] = asyncio.Queue()
    state = State(database, announced.put_nowait)
    operations = Operations(state, str)
    silent = asyncio.Event()

    async def work(tracker: Tracker) -> None:
        await tracker.steps(("run a copy",))
        await tracker.begin("run a copy")
        for words in ("copies what it was", "starts it", "it came up"):
            await tracker.progress("run a copy", None, words)
        await silent.wait()

    begun = await operations.open(OperationKind.SNAPSHOT_LOOK, "app", frozenset(), {}, work)
    try:
        async with asyncio.timeout(20):
            while "it came up" not in [step.detail for step in (await state.operation(begun.id)).steps]:
                await announced.get()
    finally:
        await operations.close()
        await database.close()


async def test_progress_that_waits_for_its_turn_is_not_written_after_the_end(tmp_path: Path) -> None:
    database = await new_database(tmp_path / "state.db")
    announced: list[EventRecord] = []
    state = State(database, announced.append)
    operations = Operations(state, str)

    async def work(tracker: Tracker) -> None:
        await tracker.steps(("copy",))
        await tracker.progress("copy", 1.0, "one")
        await tracker.progress("copy", 2.0, "two")

    begun = await operations.open(OperationKind.BACKUP, "app", frozenset(), {}, work)
    await operations.wait(begun.id, 10)
    told = len(announced)
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
    assert len(announced) == told
    await database.close()
