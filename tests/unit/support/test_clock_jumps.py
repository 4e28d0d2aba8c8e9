"""Clocks that are set, ahead and back: what is measured by spans does not notice, and who must notice does."""

import asyncio
import os
import subprocess
import time
from pathlib import Path

import pytest

from archipelago.api.operations import OperationKind
from archipelago.storage.records.operations import OperationRecord, OperationState
from archipelago.storage.stores.state import State
from archipelago.support.clock_jumps import clock_set
from archipelago.support.process import process_age
from support.databases import new_database

HOUR = 3600.0


class Wall:
    """A clock that is set."""

    def __init__(self) -> None:
        self.off = 0.0

    def now(self) -> float:
        return time.time() + self.off


@pytest.mark.parametrize("off", [8 * HOUR, -8 * HOUR, -50 * 365 * 24 * HOUR])
async def test_a_clock_that_is_set_is_noticed_either_way(off: float) -> None:
    wall = Wall()
    watch = asyncio.create_task(clock_set(wall.now, every=0.01))
    done, _ = await asyncio.wait([watch], timeout=0.1)
    assert not done, "it was not set yet"
    wall.off = off
    async with asyncio.timeout(20):
        assert await watch == pytest.approx(off, abs=1)


def test_the_age_of_a_process_is_the_kernels_and_no_clocks() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    with subprocess.Popen(["sleep", "100"]) as process:
        age = process_age(process.pid)
        assert age is not None and 0 <= age <= time.clock_gettime(time.CLOCK_BOOTTIME) - before + 0.02
        process.kill()
    own = process_age(os.getpid())
    assert own is not None and own > age
    assert process_age(2**22 + 1) is None


async def test_operations_are_listed_and_dropped_in_the_order_in_which_they_were_begun(tmp_path: Path) -> None:
    """After the clock was set back, the newest operation bears the oldest date."""
    database = await new_database(tmp_path / "state.db")
    try:
        state = State(database, lambda _: None)
        await state.open()
        dates = [2_000_000_000.0 + number for number in range(500)] + [1_700_000_000.0]
        for number, date in enumerate(dates):
            moment = {"created_at": date, "updated_at": date}
            record = OperationRecord.model_validate(
                {"id": f"{number:012x}", "kind": OperationKind.START, "app": "tor", "percent": 100.0, **moment}
                | {"state": OperationState.DONE}
            )
            await state.save_operation(record)
        newest = f"{500:012x}"
        assert (await state.operations("tor", 1))[0].id == newest
        await state.prune()
        assert (await state.operation(newest)).id == newest
        assert len(await state.operations(None, 1000)) == 500
    finally:
        await database.close()
