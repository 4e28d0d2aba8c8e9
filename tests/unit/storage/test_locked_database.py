"""A database that another program has locked, or whose disk or file fails: what an owner is told, and what stays."""

import asyncio
import contextlib
import os
import resource
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from archipelago.api.operations import OperationKind
from archipelago.container.operations.operations import Operations
from archipelago.container.operations.tracker import Tracker
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.database import Database, bring_up_to_date
from archipelago.storage.records.operations import OperationState
from archipelago.storage.stores.state import State
from support.databases import new_database
from support.other_database_user import locked

_ADD = "INSERT INTO facts VALUES (:key, 'x')"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An open database of little patience."""
    database = await new_database(tmp_path / "state.db", patience=0.3)
    yield database
    await database.close()


def add(key: str) -> tuple[list[str], Callable[[sqlite3.Connection], None]]:
    """Return how often a transaction ran, and the transaction."""
    ran: list[str] = []

    def work(connection: sqlite3.Connection) -> None:
        ran.append(key)
        connection.execute(_ADD, {"key": key})

    return ran, work


def facts(path: Path) -> set[str]:
    """Return what is in the database, read by another connection."""
    with contextlib.closing(sqlite3.connect(path)) as other:
        return {row[0] for row in other.execute("SELECT key FROM facts")}


async def test_a_lock_that_goes_is_waited_for_and_the_work_is_done_once(tmp_path: Path) -> None:
    await (await new_database(tmp_path / "state.db")).close()
    database = Database(tmp_path / "state.db", patience=30)
    ran, work = add("late")
    with locked(tmp_path / "state.db") as other:
        waiting = asyncio.create_task(database.run(work))
        await asyncio.wait({waiting}, timeout=0.5)
        assert not waiting.done() and not ran
        assert other.stdin is not None
        other.stdin.close()
        await waiting
    await database.close()
    assert ran == ["late"] and facts(tmp_path / "state.db") == {"late"}


async def test_while_it_is_open_no_other_program_can_lock_it_and_no_file_is_mapped(tmp_path: Path) -> None:
    database = await new_database(tmp_path / "state.db")
    await database.run(add("kept")[1])
    with contextlib.closing(sqlite3.connect(tmp_path / "state.db", timeout=0)) as other:
        for statement in ("BEGIN EXCLUSIVE", "SELECT * FROM facts"):
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute(statement)
    assert not (tmp_path / "state.db-shm").exists(), "a page of it for which a full disk has no room ends the daemon"
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()
    await database.close()
    assert facts(tmp_path / "state.db") == {"kept"}


@pytest.mark.parametrize("how", [(), ("exclusive",)])
async def test_a_lock_that_stays_is_named_with_file_and_program_and_changes_nothing(
    tmp_path: Path, how: tuple[str, ...]
) -> None:
    path = tmp_path / "state.db"
    await (await Database(path).open()).close()
    database = Database(path, patience=0.3)
    ran, work = add("never")
    with locked(path, *how) as other:
        for call in (database.open, lambda: database.run(work)):
            with pytest.raises(NodeError) as refused:
                await call()
            assert refused.value.code is ErrorCode.BUSY
            assert str(path) in refused.value.message and str(other.pid) in refused.value.message
            assert "python" in refused.value.message and "try again" in refused.value.hint
    assert ran == [] and facts(path) == set()
    await database.run(work)
    await database.close()
    assert facts(path) == {"never"}


async def test_those_who_wait_behind_each_other_wait_no_longer_together_than_one(tmp_path: Path) -> None:
    await (await new_database(tmp_path / "state.db")).close()
    database = Database(tmp_path / "state.db", patience=1.0)
    with locked(tmp_path / "state.db"):
        began = time.monotonic()
        with pytest.raises(NodeError):
            await database.rows("SELECT 1")
        alone = time.monotonic() - began
        calls = (database.rows("SELECT 1") for _ in range(8))
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(answer, NodeError) for answer in answers)
        # Eight times as long as one alone, were it counted from when each one's turn comes.
        assert time.monotonic() - began - alone < 6 * alone
    await database.close()


def test_a_start_says_who_has_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archipelago.storage.database.PATIENCE", 0.2)
    path = tmp_path / "state.db"
    bring_up_to_date(path)
    with locked(path) as other, pytest.raises(NodeError, match=f"process {other.pid} .python") as refused:
        bring_up_to_date(path)
    assert "damaged" not in str(refused.value) and "backup" not in str(refused.value)


async def test_a_full_disk_is_said(database: Database) -> None:
    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA max_page_count=1")
        connection.execute(_ADD, {"key": "x" * 10_000_000})

    with pytest.raises(NodeError, match="is full; nothing was changed") as refused:
        await database.run(fill)
    assert refused.value.code is ErrorCode.DISK_FULL
    assert await database.rows("SELECT * FROM facts") == []


@pytest.mark.parametrize("content", [b"not a database at all" * 100, None])
async def test_a_file_that_is_none_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(content) if content is not None else path.mkdir()
    database = Database(path)
    with pytest.raises(NodeError) as refused:
        await database.open()
    assert str(path) in refused.value.message and refused.value.hint
    await database.close()


async def test_a_damaged_page_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    database = await Database(path).open()
    for number in range(300):
        await database.run(add(f"{number} {'x' * 500}")[1])
    await database.close()
    with path.open("r+b") as file:
        file.seek(4096 * 20)
        file.write(os.urandom(4096 * 30))
    database = Database(path)
    with pytest.raises(NodeError, match="is damaged") as refused:
        await database.rows("SELECT * FROM facts")
    assert "restore" in refused.value.hint
    await database.close()


@contextlib.contextmanager
def no_room() -> Iterator[None]:
    """Let this process write no byte more into any file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_an_operation_that_ended_while_its_disk_was_full_ended_and_is_written_down_later(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()  # in memory: a file would have no room either
    monkeypatch.setattr("archipelago.container.operations.operations._WRITE_AGAIN", 0.1)
    monkeypatch.setattr("archipelago.container.operations.tracker._WRITE_EVERY", 0.0)
    state = State(database, lambda _: None)
    operations = Operations(state, str)
    ready, do = asyncio.Event(), asyncio.Event()

    async def work(tracker: Tracker) -> None:
        await tracker.steps(("fetch",))
        await tracker.begin("fetch")
        ready.set()
        await do.wait()
        await tracker.progress("fetch", 50.0, "half of it")

    begun = await operations.open(OperationKind.STOP, "app", frozenset(), {}, work)
    await ready.wait()
    with no_room():
        do.set()
        ended = await operations.wait(begun.id, 20)
        assert ended.state is OperationState.DONE and operations.working_on("app") is None
        assert (await operations.get(begun.id)).state is OperationState.DONE
        assert (await state.operation(begun.id)).state is not OperationState.DONE
    async with asyncio.timeout(20):
        while (await state.operation(begun.id)).state is not OperationState.DONE:
            await asyncio.sleep(0.02)  # it is written in its own time
    assert await state.unfinished_operations() == ()
    await operations.close()
