"""What the node remembers: installed apps, their slots, operations, and the stream of events."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from sqlite3 import Connection, Row
from typing import Any

import structlog
from pydantic import ValidationError

from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.database import Database
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.events import EventRecord, NewEvent
from archipelago.storage.records.operations import OperationRecord, OperationState
from archipelago.storage.records.revisions import Configuration
from archipelago.storage.stores.app_rows import read_apps, save_app, take_slot
from archipelago.storage.stores.revisions import append
from archipelago.storage.stores.rows import insert, insert_missing, upsert
from archipelago.storage.stores.stored_packages import StoredPackages
from archipelago.storage.stores.volume_classes import forget_classes, remember_classes
from archipelago.support.texts.text import msg

_KEPT_EVENTS = 10_000
_KEPT_OPERATIONS = 500
_NEXT = "SELECT * FROM events WHERE revision > ? ORDER BY revision LIMIT ?"
_NEWEST = "SELECT * FROM events WHERE revision > ? ORDER BY revision DESC LIMIT ?"
_ENDED = json.dumps([state.value for state in OperationState if state.ended])


class State:
    """Reads and writes the state database. Every change is one transaction that also appends its event.

    Operations are in the order of their `rowid`, which grows with each one that is opened, whatever the clock says
    (https://www.sqlite.org/autoinc.html).

    `on_event` is called on the event loop with each new event, after it is safely on disk.
    """

    def __init__(self, database: Database, on_event: Callable[[EventRecord], None]) -> None:
        self._database = database
        self._on_event = on_event
        self._packages = StoredPackages()
        self._revision = 0
        self._unreadable: set[str] = set()
        """Operations of another version that the log has a line about."""
        self._log = structlog.get_logger("state")

    @property
    def revision(self) -> int:
        """Revision of the newest event."""
        return self._revision

    async def open(self) -> None:
        """Read the newest revision, and remember what installed apps say of their volumes.

        A version of the node that did not remember it may have installed them.
        """
        ((self._revision,),) = await self._database.rows("SELECT coalesce(max(revision), 0) FROM events")
        await self._database.run(
            lambda connection: remember_classes(connection, read_apps(connection, self._packages).values())
        )

    # --- apps -------------------------------------------------------------------------------------------------------

    async def load_apps(self) -> dict[str, AppRecord]:
        """Return all installed apps."""
        return await self._database.run(lambda connection: read_apps(connection, self._packages))

    async def take_slot(self, app: str) -> int:
        """Return the app's UID slot, giving it the lowest free one where it has none."""
        return await self._database.run(lambda connection: take_slot(connection, app))

    async def has_slot(self, app: str) -> bool:
        """Return whether the app has a UID slot, which it keeps for as long as its data is there."""
        return bool(await self._database.rows("SELECT 1 FROM slots WHERE app = ?", app))

    async def release_slot(self, app: str) -> None:
        """Forget the app's slot, and what was said of its volumes; only once none of its files is left."""

        def work(connection: Connection) -> None:
            connection.execute("DELETE FROM slots WHERE app = ?", (app,))
            forget_classes(connection, app)

        await self._database.run(work)

    async def save(
        self,
        records: tuple[AppRecord, ...],
        *,
        remove: tuple[str, ...] = (),
        message: str,
        app: str | None = None,
    ) -> None:
        """Write and remove apps in one transaction: a plan is kept whole or not at all."""

        def work(connection: Connection) -> EventRecord:
            for record in records:
                save_app(connection, record, message)
            for name in remove:
                connection.execute("DELETE FROM apps WHERE app = ?", (name,))
                append(connection, name, Configuration(None, {}, {}), message)
            return _append(connection, "app", app, message, {})

        self._tell(await self._database.run(work))

    # --- operations -------------------------------------------------------------------------------------------------

    async def save_operation(self, record: OperationRecord) -> OperationRecord:
        """Write the operation; return it with the revision that contains this change."""

        def work(connection: Connection) -> tuple[OperationRecord, EventRecord]:
            told = _append(
                connection,
                "operation",
                record.app,
                f"{record.kind} {record.app}: {record.state}",
                {"id": record.id, "kind": record.kind, "state": record.state, "percent": record.percent},
            )
            saved = record.model_copy(update={"revision": told.revision})
            row = {
                "id": saved.id,
                "kind": saved.kind,
                "app": saved.app,
                "state": saved.state.value,
                "arguments": json.dumps(dict(saved.arguments)),
                "view": saved.model_dump_json(),
                "created_at": saved.created_at.timestamp(),
            }
            upsert(connection, "operations", row)
            return saved, told

        saved, told = await self._database.run(work)
        self._tell(told)
        return saved

    async def unfinished_operations(self) -> tuple[OperationRecord, ...]:
        """Return operations that a crash cut off, oldest first, as far as this version can read them."""
        query = "SELECT * FROM operations WHERE state NOT IN (SELECT value FROM json_each(?)) ORDER BY rowid"
        rows = await self._database.rows(query, _ENDED)
        return tuple(self._readable(rows))

    async def operation(self, operation: str) -> OperationRecord:
        """Return one operation; raises `NodeError` when there is none of that id."""
        rows = await self._database.rows("SELECT * FROM operations WHERE id = ?", operation)
        if not rows:
            raise NodeError(
                ErrorCode.UNKNOWN_OPERATION,
                msg("there is no operation {operation}", operation=f"{operation!r}"),
                hint=msg("'archipelago operations' lists them"),
            )
        try:
            return _operation(rows[0])
        except ValidationError as error:
            raise NodeError(
                ErrorCode.UNKNOWN_OPERATION,
                msg(
                    "operation {operation} was written by another version of Archipelago, and this one cannot read it",
                    operation=f"{operation!r}",
                ),
                hint=msg("start the version again that wrote it"),
            ) from error

    async def operations(self, app: str | None, limit: int) -> tuple[OperationRecord, ...]:
        """Return the newest operations first."""
        query = "SELECT * FROM operations WHERE ?1 IS NULL OR app = ?1 ORDER BY rowid DESC LIMIT ?2"
        rows = await self._database.rows(query, app, limit)
        return tuple(self._readable(rows))

    async def installation_times(self) -> dict[str, float]:
        """Return the seconds that the newest successful installation of each app took."""
        query = "SELECT * FROM operations WHERE kind = 'install' AND state = ? ORDER BY rowid"
        rows = await self._database.rows(query, OperationState.DONE.value)
        return {found.app: (found.updated_at - found.created_at).total_seconds() for found in self._readable(rows)}

    def _readable(self, rows: Iterable[Row]) -> Iterator[OperationRecord]:
        for row in rows:
            try:
                yield _operation(row)
            except ValidationError as error:
                if row["id"] not in self._unreadable:
                    self._unreadable.add(row["id"])
                    self._log.warning("another version wrote an operation", operation=row["id"], why=str(error))

    # --- events and facts -------------------------------------------------------------------------------------------

    async def record(
        self, kind: str, app: str | None, message: str, data: Mapping[str, Any] | None = None
    ) -> EventRecord:
        """Append an event."""
        (told,) = await self.record_all((NewEvent(kind, app, message, data or {}),))
        return told

    async def record_all(self, news: Sequence[NewEvent]) -> tuple[EventRecord, ...]:
        """Append events in one transaction, since the disk makes each wait."""

        def work(connection: Connection) -> tuple[EventRecord, ...]:
            return tuple(_append(connection, each.kind, each.app, each.message, each.data) for each in news)

        told = await self._database.run(work)
        for event in told:
            self._tell(event)
        return told

    async def events_since(self, revision: int, limit: int, *, newest: bool = False) -> tuple[EventRecord, ...]:
        """Return `limit` events after `revision`, oldest first: the next ones, or the newest ones."""
        found = await self._database.rows(_NEWEST if newest else _NEXT, revision, limit)
        return tuple(map(_event, reversed(found) if newest else found))

    async def newest_events(self, app: str, kind: str, limit: int) -> tuple[EventRecord, ...]:
        """Return the newest events of a kind about an app, the newest first."""
        query = "SELECT * FROM events WHERE app = ? AND kind = ? ORDER BY revision DESC LIMIT ?"
        return tuple(map(_event, await self._database.rows(query, app, kind, limit)))

    async def fact(self, key: str, make: Callable[[], str]) -> str:
        """Return a lasting fact of this node, made the first time that it is asked for."""

        def work(connection: Connection) -> str:
            insert_missing(connection, "facts", {"key": key, "value": make()})
            return str(connection.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()["value"])

        return await self._database.run(work)

    async def found_fact(self, key: str) -> str:
        """Return a fact of this node, an empty text where there is none; nothing is written, as on a full disk."""
        rows = await self._database.rows("SELECT value FROM facts WHERE key = ?", key)
        return str(rows[0]["value"]) if rows else ""

    async def set_fact(self, key: str, value: str) -> None:
        """Change a fact of this node."""
        row = {"key": key, "value": value}
        await self._database.run(lambda connection: upsert(connection, "facts", row))

    async def prune(self) -> None:
        """Drop the oldest events and ended operations beyond what is kept."""

        def work(connection: Connection) -> None:
            connection.execute("DELETE FROM events WHERE revision <= ?", (self._revision - _KEPT_EVENTS,))
            connection.execute(
                "DELETE FROM operations WHERE state IN (SELECT value FROM json_each(?))"
                " AND rowid NOT IN (SELECT rowid FROM operations ORDER BY rowid DESC LIMIT ?)",
                (_ENDED, _KEPT_OPERATIONS),
            )

        await self._database.run(work)

    def _tell(self, event: EventRecord) -> None:
        self._revision = max(self._revision, event.revision)
        self._on_event(event)


def _operation(row: Row) -> OperationRecord:
    record = OperationRecord.model_validate_json(row["view"])
    return record.model_copy(update={"arguments": json.loads(row["arguments"])})


def _append(connection: Connection, kind: str, app: str | None, message: str, data: Mapping[str, Any]) -> EventRecord:
    now = time.time()
    row = {"at": now, "kind": kind, "app": app, "message": message, "data": json.dumps(dict(data))}
    revision = insert(connection, "events", row).lastrowid
    assert revision is not None
    return EventRecord(
        revision=revision,
        at=datetime.fromtimestamp(now, UTC),
        kind=kind,
        app=app,
        message=message,
        data=dict(data),
    )


def _event(row: Row) -> EventRecord:
    return EventRecord(
        revision=row["revision"],
        at=datetime.fromtimestamp(row["at"], UTC),
        kind=row["kind"],
        app=row["app"],
        message=row["message"],
        data=json.loads(row["data"]),
    )
