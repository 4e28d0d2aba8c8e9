"""The SQLite database: opening, migrating, and running work on it off the event loop."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DatabaseError

from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.database_errors import is_locked, refusal
from archipelago.support.texts.text import msg

_MIGRATIONS = Path(__file__).parent / "migrations"
PATIENCE = 10.0
"""Seconds that whoever asks waits for another program's lock: a backup tool or a curious owner's SELECT takes less."""
_ONE_WAIT, _PAUSE = 0.1, 0.01
"""Seconds of each try, and between two. Short, for whoever has waited in the queue behind others tries once more."""
T = TypeVar("T")


def newest_revision() -> str:
    """Return the revision of the newest migration: each file starts with its own, and they count upwards."""
    # Alembic would say so as well, but takes 60 ms to import, at each start of the node.
    return max(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*_*.py"))


class Database:
    """One SQLite file in WAL mode, used from a thread of its own.

    A single writer thread gives every transaction a place in one order, and keeps the event loop free of disk waits.
    """

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        """Take the file, and how many seconds a transaction may wait for another program's lock on it."""
        self._path = path
        self._patience = patience
        self._engine = _engine(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")

    async def open(self) -> Self:
        """Create or migrate the tables. Raises `NodeError` when the file is unreadable or newer than this program."""
        deadline = time.monotonic() + self._patience
        await self._in_thread(lambda: _migrate(self._engine, self._path, deadline))
        return self

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction: all of it is kept, or nothing.

        Raises `NodeError` where the database is locked for longer than the patience lasts, or its disk fails.
        """
        # Counted from now: whoever waits behind others has waited as well.
        deadline = time.monotonic() + self._patience
        return await self._in_thread(lambda: _transaction(self._engine, self._path, work, deadline))

    async def close(self) -> None:
        """Write everything out and let go of the file."""
        await self._in_thread(self._engine.dispose)
        await asyncio.to_thread(self._thread.shutdown)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        # A cancelled caller must not leave a transaction half done: the thread always finishes what it started.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))


def bring_up_to_date(path: Path) -> None:
    """Migrate the tables, on disk when this returns: all of them, or nothing. Blocking; raises `NodeError`.

    From then on, every earlier version refuses the database.
    """
    engine = _engine(path)
    try:
        _migrate(engine, path, time.monotonic() + PATIENCE)
    finally:
        engine.dispose()


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", pool_size=1, max_overflow=0)
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _transaction(engine: Engine, path: Path, work: Callable[[Connection], T], deadline: float) -> T:
    """Run work in a transaction; where another program has a lock, try again until a time of the steady clock."""
    while True:
        begun = False
        try:
            with engine.begin() as connection:
                begun = True
                return work(connection)
        except DatabaseError as error:
            # What has started is not done again: somebody may have learnt of what it found.
            if is_locked(error.orig) and not begun and time.monotonic() < deadline:
                time.sleep(_PAUSE)
                continue
            told = refusal(error.orig, path)
            if told is None:
                raise
            raise told from error


def _migrate(engine: Engine, path: Path, deadline: float) -> None:
    def work(connection: Connection) -> None:
        found = _version(connection)
        if found != newest_revision():
            _upgrade(connection, path, found)

    try:
        _transaction(engine, path, work, deadline)
    except DatabaseError as error:
        raise NodeError(
            ErrorCode.INTERNAL,
            msg("{path} cannot be used: {error}", path=path, error=error.orig),
            hint=msg("restore the file from a backup, and report it to the developers"),
        ) from error


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection, path: Path, found: str | None) -> None:
    # Imported here: Alembic costs 60 ms, and is needed only when the tables change.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise NodeError(
            ErrorCode.INTERNAL,
            msg(
                "{path} was written by a newer version of Archipelago (its tables are at {found})",
                path=path,
                found=found,
            ),
            hint=msg("start the newer version again, or restore a backup from before the update"),
        )
    command.upgrade(config, "head")


def _set_pragmas(connection: sqlite3.Connection, _record: Any) -> None:
    # Transactions are started by hand (below): the driver would start them too late for DDL.
    connection.isolation_level = None
    # First: the next one waits for locks as well.
    connection.execute(f"PRAGMA busy_timeout={_ONE_WAIT * 1000:.0f}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
