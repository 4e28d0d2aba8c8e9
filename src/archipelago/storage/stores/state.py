"""What the node remembers: installed apps, their slots, operations, and the stream of events."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, RowMapping, delete, func, insert, literal_column, select
from sqlalchemy.dialects.sqlite import insert as upsert

from archipelago.api.events import Event
from archipelago.api.operations import Operation, OperationState
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.manifest.package import AppPackage, package_from_json, package_to_json
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.database import Database
from archipelago.storage.records.apps import Desired
from archipelago.storage.schema import apps, events, facts, operations, slots
from archipelago.storage.stores.revisions import Configuration, append

MAX_SLOTS = 255
"""UID ranges of 65,536 ids that the service user's subordinate ids hold, less one for the images' own."""

_KEPT_EVENTS = 10_000
_KEPT_OPERATIONS = 500
_MADE: ColumnElement[int] = literal_column("operations.rowid", Integer)
"""Grows with each operation that is opened, whatever the clock says (https://www.sqlite.org/autoinc.html)."""


@dataclass(frozen=True, slots=True)
class AppRecord:
    """One installed app, as the owner wants it."""

    app: str
    package: AppPackage
    desired: Desired
    slot: int
    options: Mapping[str, Scalar] = field(default_factory=dict)
    """What the owner set himself."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """Interface -> provider that the app is bound to."""
    ports: Mapping[str, int] = field(default_factory=dict)
    """Endpoint -> port on the host."""
    lan: Mapping[str, bool] = field(default_factory=dict)
    """Endpoint -> whether the owner has it open to the local network; about others the manifest decides."""
    installed_at: float = 0.0


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """An operation with what is needed to run it again."""

    view: Operation
    arguments: Mapping[str, Any]


class State:
    """Reads and writes the state database. Every change is one transaction that also appends its event.

    `on_event` is called on the event loop with each new event, after it is safely on disk.
    """

    def __init__(self, database: Database, on_event: Callable[[Event], None]) -> None:
        self._database = database
        self._on_event = on_event
        self._revision = 0

    @property
    def revision(self) -> int:
        """Revision of the newest event."""
        return self._revision

    async def open(self) -> None:
        """Read the newest revision."""
        self._revision = await self._database.run(
            lambda connection: connection.execute(select(func.max(events.c.revision))).scalar() or 0
        )

    # --- apps -------------------------------------------------------------------------------------------------------

    async def load_apps(self) -> dict[str, AppRecord]:
        """Return all installed apps."""
        return await self._database.run(_read_apps)

    async def take_slot(self, app: str) -> int:
        """Return the app's UID slot, giving it the lowest free one where it has none."""
        return await self._database.run(lambda connection: _take_slot(connection, app))

    async def has_slot(self, app: str) -> bool:
        """Tell whether the app has a UID slot, which it keeps for as long as its data is there."""
        query = select(func.count()).where(slots.c.app == app)
        return await self._database.run(lambda connection: bool(connection.execute(query).scalar()))

    async def release_slot(self, app: str) -> None:
        """Forget the app's slot; only once none of its files is left."""
        await self._database.run(lambda connection: connection.execute(delete(slots).where(slots.c.app == app)))

    async def save(
        self,
        records: tuple[AppRecord, ...],
        *,
        remove: tuple[str, ...] = (),
        message: str,
        app: str | None = None,
    ) -> None:
        """Write and remove apps in one transaction: a plan is kept whole or not at all."""

        def work(connection: Connection) -> Event:
            for record in records:
                row = _app_row(record)
                connection.execute(upsert(apps).values(row).on_conflict_do_update(index_elements=["app"], set_=row))
                version = record.package.manifest.version
                append(connection, record.app, Configuration(version, record.options, record.choices), message)
            for name in remove:
                connection.execute(delete(apps).where(apps.c.app == name))
                append(connection, name, Configuration(None, {}, {}), message)
            return _append(connection, "app", app, message, {})

        self._tell(await self._database.run(work))

    # --- operations -------------------------------------------------------------------------------------------------

    async def save_operation(self, record: OperationRecord) -> Operation:
        """Write the operation; return it with the revision that contains this change."""

        def work(connection: Connection) -> tuple[Operation, Event]:
            view = record.view
            told = _append(
                connection,
                "operation",
                view.app,
                f"{view.kind} {view.app}: {view.state}",
                {"id": view.id, "kind": view.kind, "state": view.state, "percent": view.percent},
            )
            view = view.model_copy(update={"revision": told.revision})
            row = {
                "id": view.id,
                "kind": view.kind.value,
                "app": view.app,
                "state": view.state.value,
                "arguments": json.dumps(dict(record.arguments)),
                "view": view.model_dump_json(),
                "created_at": view.created_at.timestamp(),
            }
            connection.execute(upsert(operations).values(row).on_conflict_do_update(index_elements=["id"], set_=row))
            return view, told

        view, told = await self._database.run(work)
        self._tell(told)
        return view

    async def unfinished_operations(self) -> tuple[OperationRecord, ...]:
        """Return operations that a crash cut off, oldest first."""
        ended = [state.value for state in OperationState if state.ended]
        query = select(operations).where(operations.c.state.not_in(ended)).order_by(_MADE)
        return await self._database.run(lambda connection: tuple(map(_operation, connection.execute(query).mappings())))

    async def operation(self, operation: str) -> OperationRecord:
        """Return one operation; raises `NodeError` when there is none of that id."""
        query = select(operations).where(operations.c.id == operation)
        row = await self._database.run(lambda connection: connection.execute(query).mappings().first())
        if row is None:
            raise NodeError(
                ErrorCode.UNKNOWN_OPERATION,
                f"there is no operation {operation!r}",
                hint="'archipelago operations' lists them",
            )
        return _operation(row)

    async def operations(self, app: str | None, limit: int) -> tuple[Operation, ...]:
        """Return the newest operations first."""
        query = select(operations).order_by(_MADE.desc()).limit(limit)
        if app is not None:
            query = query.where(operations.c.app == app)
        return await self._database.run(
            lambda connection: tuple(_operation(row).view for row in connection.execute(query).mappings())
        )

    # --- events and facts -------------------------------------------------------------------------------------------

    async def record(self, kind: str, app: str | None, message: str, data: Mapping[str, Any] | None = None) -> Event:
        """Append an event."""
        told = await self._database.run(lambda connection: _append(connection, kind, app, message, data or {}))
        self._tell(told)
        return told

    async def events_since(self, revision: int, limit: int, *, newest: bool = False) -> tuple[Event, ...]:
        """Return `limit` events after `revision`, oldest first: the next ones, or the newest ones."""
        order = events.c.revision.desc() if newest else events.c.revision
        query = select(events).where(events.c.revision > revision).order_by(order).limit(limit)
        found = await self._database.run(lambda connection: connection.execute(query).mappings().all())
        return tuple(map(_event, reversed(found) if newest else found))

    async def newest_events(self, app: str, kind: str, limit: int) -> tuple[Event, ...]:
        """Return the newest events of a kind about an app, the newest first."""
        query = (
            select(events)
            .where(events.c.app == app, events.c.kind == kind)
            .order_by(events.c.revision.desc())
            .limit(limit)
        )
        return await self._database.run(lambda connection: tuple(map(_event, connection.execute(query).mappings())))

    async def fact(self, key: str, make: Callable[[], str]) -> str:
        """Return a lasting fact of this node, made the first time that it is asked for."""

        def work(connection: Connection) -> str:
            connection.execute(upsert(facts).values(key=key, value=make()).on_conflict_do_nothing())
            return str(connection.execute(select(facts.c.value).where(facts.c.key == key)).scalar_one())

        return await self._database.run(work)

    async def set_fact(self, key: str, value: str) -> None:
        """Change a fact of this node."""
        row = {"key": key, "value": value}
        statement = upsert(facts).values(row).on_conflict_do_update(index_elements=["key"], set_=row)
        await self._database.run(lambda connection: connection.execute(statement))

    async def prune(self) -> None:
        """Drop the oldest events and ended operations beyond what is kept."""

        def work(connection: Connection) -> None:
            connection.execute(delete(events).where(events.c.revision <= self._revision - _KEPT_EVENTS))
            newest = select(operations.c.id).order_by(_MADE.desc()).limit(_KEPT_OPERATIONS)
            ended = [state.value for state in OperationState if state.ended]
            connection.execute(delete(operations).where(operations.c.id.not_in(newest), operations.c.state.in_(ended)))

        await self._database.run(work)

    def _tell(self, event: Event) -> None:
        self._revision = max(self._revision, event.revision)
        self._on_event(event)


def _read_apps(connection: Connection) -> dict[str, AppRecord]:
    query = select(apps, slots.c.slot).join(slots, slots.c.app == apps.c.app).order_by(apps.c.app)
    found = {}
    for row in connection.execute(query).mappings():
        found[row["app"]] = AppRecord(
            app=row["app"],
            package=package_from_json(row["package"]),
            desired=Desired(row["desired"]),
            slot=row["slot"],
            options=json.loads(row["options"]),
            choices=json.loads(row["choices"]),
            ports=json.loads(row["ports"]),
            lan=json.loads(row["lan"]),
            installed_at=row["installed_at"],
        )
    return found


def _take_slot(connection: Connection, app: str) -> int:
    found = connection.execute(select(slots.c.slot).where(slots.c.app == app)).scalar()
    if found is not None:
        return int(found)
    taken = set(connection.execute(select(slots.c.slot)).scalars())
    free = next((slot for slot in range(MAX_SLOTS) if slot not in taken), None)
    if free is None:
        raise NodeError(
            ErrorCode.UNRESOLVABLE,
            f"this node already holds the data of {MAX_SLOTS} apps, the most it can keep apart",
            hint="remove an app together with its data first",
        )
    connection.execute(insert(slots).values(app=app, slot=free))
    return free


def _app_row(record: AppRecord) -> dict[str, Any]:
    return {
        "app": record.app,
        "package": package_to_json(record.package),
        "desired": record.desired.value,
        "options": json.dumps(dict(record.options), sort_keys=True),
        "choices": json.dumps(dict(record.choices), sort_keys=True),
        "ports": json.dumps(dict(record.ports), sort_keys=True),
        "lan": json.dumps(dict(record.lan), sort_keys=True),
        "installed_at": record.installed_at,
    }


def _operation(row: RowMapping) -> OperationRecord:
    return OperationRecord(Operation.model_validate_json(row["view"]), json.loads(row["arguments"]))


def _append(connection: Connection, kind: str, app: str | None, message: str, data: Mapping[str, Any]) -> Event:
    now = time.time()
    result = connection.execute(
        insert(events).values(at=now, kind=kind, app=app, message=message, data=json.dumps(dict(data)))
    )
    key = result.inserted_primary_key
    assert key is not None
    return Event(
        revision=int(key[0]),
        at=datetime.fromtimestamp(now, UTC),
        kind=kind,
        app=app,
        message=message,
        data=dict(data),
    )


def _event(row: RowMapping) -> Event:
    return Event(
        revision=row["revision"],
        at=datetime.fromtimestamp(row["at"], UTC),
        kind=row["kind"],
        app=row["app"],
        message=row["message"],
        data=json.loads(row["data"]),
    )
