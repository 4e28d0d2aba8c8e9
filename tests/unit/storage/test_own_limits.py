"""What the owner lets apps take, and what their volumes took day by day, outlive the daemon."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from archipelago.storage.database import Database
from archipelago.storage.records.disk_use import DayOfDiskUse
from archipelago.storage.records.limits import OwnLimits
from archipelago.storage.stores.disk_history import DiskHistory
from archipelago.storage.stores.own_limits import OwnLimitStore


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    found = await Database(tmp_path / "state.db").open()
    yield found
    await found.close()


async def reopened(database: Database) -> OwnLimitStore:
    store = OwnLimitStore(database)
    await store.open()
    return store


async def test_limits_last_until_they_are_taken_back(database: Database) -> None:
    store = await reopened(database)
    await store.keep("notes", OwnLimits(memory=7, cpu=0.5))
    await store.keep("notes-2", OwnLimits(disk=0))
    assert dict(store.all) == {"notes": OwnLimits(memory=7, cpu=0.5), "notes-2": OwnLimits(disk=0)}
    assert (await reopened(database)).all == store.all
    await store.keep("notes-2", OwnLimits())
    assert (await reopened(database)).all == store.all == {"notes": OwnLimits(memory=7, cpu=0.5)}
    await store.forget("notes")
    assert (await reopened(database)).all == store.all == {}


async def test_what_a_later_version_added_is_left_out(database: Database) -> None:
    await database.change("INSERT INTO facts (key, value) VALUES ('limits/a', '{\"pids\": 9, \"colour\": 3}')")
    assert (await reopened(database)).all == {"a": OwnLimits(pids=9)}


async def test_of_each_day_the_last_count_stays_for_ninety_days(database: Database) -> None:
    history = DiskHistory(database)
    await history.open()
    for day in range(100):
        for size in (1000, 1005, 2000 + day):
            await history.note("notes", DayOfDiskUse(day, size))
    assert [each.day for each in history.of("notes")] == list(range(10, 100))
    assert history.of("notes")[-1] == DayOfDiskUse(99, 2099)
    again = DiskHistory(database)
    await again.open()
    assert again.of("notes") == history.of("notes")
    await history.note("notes", DayOfDiskUse(50, 5))
    assert [each.day for each in history.of("notes")] == list(range(10, 51))
    await history.keep_only(["other"])
    await again.open()
    assert again.of("notes") == history.of("notes") == ()
