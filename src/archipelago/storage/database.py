"""The SQLite database: opening, migrating, and running work on it off the event loop."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar

from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.database_errors import is_locked, refusal
from archipelago.storage.schema import create_tables, newest_revision, revision
from archipelago.support.texts.text import msg

PATIENCE = 10.0
"""Seconds that whoever asks waits for another program's lock: a backup tool or a curious owner's SELECT takes less."""
_ONE_WAIT, _PAUSE = 0.1, 0.01
"""Seconds of each try, and between two. Short, for whoever has waited in the queue behind others tries once more."""
T = TypeVar("T")


class Database:
    """One SQLite file in WAL mode, used from a thread of its own, and by no other program meanwhile.

    A single writer thread gives every transaction a place in one order, and keeps the event loop free of disk waits.
    """

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        """Take the file, and how many seconds a transaction may wait for another program's lock on it."""
        self._patience = patience
        self._file = _File(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")

    async def open(self) -> Self:
        """Create or migrate the tables. Raises `NodeError` when the file is unreadable or newer than this program."""
        deadline = time.monotonic() + self._patience
        await self._in_thread(lambda: _migrate(self._file, deadline))
        return self

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in one transaction: all of it is kept, or nothing.

        Raises `NodeError` where the database is locked for longer than the patience lasts, or its disk fails.
        """
        # Counted from now: whoever waits behind others has waited as well.
        deadline = time.monotonic() + self._patience
        return await self._in_thread(lambda: self._file.transaction(work, deadline))

    async def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Return what a query finds, in a transaction of its own."""
        return await self.run(lambda connection: connection.execute(query, values).fetchall())

    async def change(self, statement: str, *values: object) -> None:
        """Run one statement in a transaction of its own."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(statement, values)

        await self.run(work)

    async def close(self) -> None:
        """Write everything out and let go of the file."""
        await self._in_thread(self._file.close)
        await asyncio.to_thread(self._thread.shutdown)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        # A cancelled caller must not leave a transaction half done: the thread always finishes what it started.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))


class _File:
    """A connection to the file, made when it is used first. Blocking; for one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None

    def connection(self) -> sqlite3.Connection:
        """Return the connection."""
        if self._connection is None:
            made = sqlite3.connect(self.path)
            try:
                _set_up(made)
            except BaseException:
                made.close()
                raise
            self._connection = made
        return self._connection

    def transaction(self, work: Callable[[sqlite3.Connection], T], deadline: float) -> T:
        """Run work in a transaction; where another program has a lock, try again until a time of the steady clock."""
        while True:
            started = False
            try:
                connection = self.connection()
                connection.execute("BEGIN IMMEDIATE")
                started = True
                return _finished(connection, work)
            except sqlite3.DatabaseError as error:
                # What has started is not done again: somebody may have learnt of what it found.
                if is_locked(error) and not started and time.monotonic() < deadline:
                    time.sleep(_PAUSE)
                    continue
                refused = refusal(error, self.path)
                if refused is None:
                    raise
                raise refused from error

    def close(self) -> None:
        """Write everything out and close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def bring_up_to_date(path: Path) -> None:
    """Migrate the tables, on disk when this returns: all of them, or nothing. Blocking; raises `NodeError`.

    From then on, every earlier version refuses the database.
    """
    file = _File(path)
    try:
        _migrate(file, time.monotonic() + PATIENCE)
    finally:
        file.close()


def _finished(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """Run work in the open transaction, and end it."""
    try:
        result = work(connection)
        connection.commit()
        return result
    except BaseException:
        connection.rollback()
        raise


def _migrate(file: _File, deadline: float) -> None:
    try:
        if file.transaction(_created, deadline) != newest_revision():
            # Imported here: Alembic and SQLAlchemy cost 20 MB and 0.2 s.
            from archipelago.storage.database_upgrade import as_sqlalchemy, upgrade

            with as_sqlalchemy(file.connection()) as given:
                file.transaction(lambda connection: upgrade(given, file.path, revision(connection)), deadline)
    except sqlite3.DatabaseError as error:
        raise NodeError(
            ErrorCode.INTERNAL,
            msg("{path} cannot be used: {error}", path=file.path, error=error),
            hint=msg("restore the file from a backup, and report it to the developers"),
        ) from error


def _created(connection: sqlite3.Connection) -> str | None:
    """Make the tables of a new database; return the revision of what is there."""
    if not connection.execute("SELECT 1 FROM sqlite_master").fetchall():
        create_tables(connection)
    return revision(connection)


def _set_up(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    # Transactions are started by hand: the driver would start them too late for DDL.
    connection.isolation_level = None
    # First: the next one waits for locks as well.
    connection.execute(f"PRAGMA busy_timeout={_ONE_WAIT * 1000:.0f}")
    # Before the first use in WAL mode: SQLite then maps no file (https://sqlite.org/wal.html#noshm). Where a full
    # disk has no room for a page of a mapped one, and Btrfs writes each to a new place, SIGBUS ends the process.
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
