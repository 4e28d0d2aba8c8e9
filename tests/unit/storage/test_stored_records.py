"""What another version of the node stored is read as far as it is known, and loses nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import pytest
from structlog.testing import capture_logs

from archipelago.api.events import event_view, event_views
from archipelago.api.health import HealthState, health_view
from archipelago.api.operations import Operation, OperationKind, operation_view, operation_views
from archipelago.container.manifest.package import AppPackage, load_package, package_to_json
from archipelago.container.operations.operations import Operations
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.database import Database
from archipelago.storage.event_bus import EventBus
from archipelago.storage.records.apps import AppRecord, Desired
from archipelago.storage.records.logins import Token, User
from archipelago.storage.records.operations import OperationFailure, OperationRecord, OperationState, StepRecord
from archipelago.storage.records.permissions import Permission, Role
from archipelago.storage.records.runs import RunRecord
from archipelago.storage.records.volumes import Mark
from archipelago.storage.stores.accounts import AccountStore
from archipelago.storage.stores.revisions import RevisionStore
from archipelago.storage.stores.runs import RunStore
from archipelago.storage.stores.state import State
from archipelago.storage.stores.volume_marks import VolumeMarks
from support.checkout import APPS
from support.databases import new_database

NOW = datetime(2026, 11, 29, 12, 0, 0, 123456, UTC)
FAILED = OperationRecord(
    id="aabbccddeeff",
    kind="install",
    app="tor",
    state=OperationState.FAILED,
    percent=12.5,
    steps=(StepRecord(name="fetch", state=OperationState.FAILED, percent=25.0, detail="half of it"),),
    error=OperationFailure(code="IMAGE", message="no", hint="try again", data={"lines": [1, "x"]}),
    cancellable=False,
    created_at=NOW,
    updated_at=NOW,
    arguments={"options": {"a": 1}, "apps": ["tor"]},
)
RUNNING = FAILED.model_copy(update={"id": "001122334455", "state": OperationState.RUNNING, "error": None, "steps": ()})


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An open database."""
    database = await new_database(tmp_path / "state.db")
    yield database
    await database.close()


@pytest.fixture
async def state(database: Database) -> State:
    """What the node remembers."""
    state = State(database, lambda _: None)
    await state.open()
    return state


async def rows(database: Database, table: str) -> list[dict[str, Any]]:
    """Return all rows of a table."""
    return [dict(row) for row in await database.rows(f"SELECT * FROM {table}")]


async def write(database: Database, statement: str, values: Mapping[str, Any]) -> None:
    """Change the database as another version would."""

    def work(connection: Connection) -> None:
        connection.execute(statement, dict(values))

    await database.run(work)


async def store_view(database: Database, record: OperationRecord, **changes: object) -> str:
    """Change the JSON of an operation; return it."""
    view = json.dumps({**record.model_dump(mode="json"), **changes})
    values = {"view": view, "id": record.id, "state": changes.get("state", record.state)}
    await write(database, "UPDATE operations SET view = :view, state = :state WHERE id = :id", values)
    return view


# --- operations -------------------------------------------------------------------------------------------------------


async def test_an_operation_comes_back_as_it_was_saved(state: State) -> None:
    saved = await state.save_operation(FAILED)
    assert saved == FAILED.model_copy(update={"revision": 1})
    assert await state.operation(FAILED.id) == saved and await state.operations(None, 10) == (saved,)


async def test_the_version_before_reads_what_this_one_writes(state: State, database: Database) -> None:
    """It parsed the column by the model of the API, which refuses whatever it does not know."""
    await state.save_operation(FAILED)
    (row,) = await rows(database, "operations")
    # It knew one app of an operation; the others are in the arguments.
    shown = operation_view(await state.operation(FAILED.id)).model_copy(update={"apps": ()})
    assert Operation.model_validate_json(row["view"]) == shown
    assert json.loads(row["arguments"]) == {"options": {"a": 1}, "apps": ["tor"]}


async def test_unknown_fields_of_an_operation_are_passed_over(state: State, database: Database) -> None:
    saved = await state.save_operation(FAILED)
    steps = [{**saved.steps[0].model_dump(mode="json"), "bytes": 7}]
    failure = {"code": "IMAGE", "message": "no", "hint": "try again", "data": {"lines": [1, "x"]}, "cause": None}
    await store_view(database, saved, steps=steps, error=failure, priority="high")
    assert await state.operation(FAILED.id) == saved


async def test_fields_that_an_earlier_version_lacked_have_defaults(state: State, database: Database) -> None:
    await state.save_operation(RUNNING)
    least = {name: getattr(RUNNING, name) for name in ("id", "kind", "app", "state")}
    view = json.dumps({**least, "created_at": NOW.isoformat(), "updated_at": NOW.isoformat()})
    await write(database, "UPDATE operations SET view = :view", {"view": view})
    found = await state.operation(RUNNING.id)
    assert (found.percent, found.steps, found.error, found.cancellable, found.revision) == (0.0, (), None, True, 0)
    assert found.arguments == RUNNING.arguments


async def test_an_operation_of_an_unknown_kind_is_kept_as_text_and_not_shown(state: State, database: Database) -> None:
    await state.save_operation(RUNNING.model_copy(update={"kind": "teleport"}))
    await state.save_operation(FAILED)
    (found,) = await state.unfinished_operations()
    assert found.kind == "teleport" and found.arguments == RUNNING.arguments
    operations = Operations(state, str)
    assert [each.id for each in await operations.newest(None, 10)] == [FAILED.id]
    assert operation_views((found,)) == ()
    with pytest.raises(NodeError, match="'teleport', which this version of Archipelago does not know") as refused:
        await operations.get(found.id)
    assert refused.value.code is ErrorCode.UNKNOWN_OPERATION and "start the version" in refused.value.hint
    await state.prune()
    assert len(await rows(database, "operations")) == 2


async def test_an_operation_in_an_unknown_state_stays_as_it_is(state: State, database: Database) -> None:
    await state.save_operation(RUNNING)
    await state.save_operation(FAILED)
    view = await store_view(database, RUNNING, state="paused")
    with capture_logs() as log:
        for _ in range(3):
            assert await state.unfinished_operations() == ()
            assert [each.id for each in await state.operations(None, 10)] == [FAILED.id]
    assert [line["operation"] for line in log] == [RUNNING.id], "one line, however often it is looked at"
    with pytest.raises(NodeError, match="another version of Archipelago"):
        await state.operation(RUNNING.id)
    await state.prune()
    assert view in [row["view"] for row in await rows(database, "operations")]


def test_every_kind_has_a_view() -> None:
    for kind in OperationKind:
        assert operation_view(FAILED.model_copy(update={"kind": kind.value})).kind is kind


# --- events and runs --------------------------------------------------------------------------------------------------


async def test_events_of_any_kind_are_read_and_followed(database: Database) -> None:
    bus = EventBus()
    state = State(database, bus.publish)
    await state.record("moon", "tor", "it is full", {"phase": 1.0})
    (found,) = await state.events_since(0, 10)
    view = event_view(found)
    assert (view.kind, view.app, view.message, view.data) == ("moon", "tor", "it is full", {"phase": 1.0})
    followed = event_views(bus.follow(0, state.events_since))
    assert await anext(followed) == view
    newer = asyncio.ensure_future(anext(followed))
    await state.record("moon", None, "it wanes")
    assert (await newer).message == "it wanes"
    await followed.aclose()


async def test_a_run_in_an_unknown_state_is_looked_at_as_a_new_one(database: Database) -> None:
    store = RunStore(database)
    known, unknown = RunRecord("1", "healthy", "", NOW), RunRecord("2", "dreaming", "of sheep", NOW)
    await store.keep({"tor": {"main": unknown}, "knots": {"main": known}})
    await store.keep({"tor": {"main": known, "other": unknown}, "electrumx": {}})
    assert await store.all() == {"tor": {"main": known, "other": unknown}, "knots": {"main": known}}
    health = health_view(known)
    assert health is not None and (health.state, health.since) == (HealthState.HEALTHY, NOW)
    assert health_view(unknown) is None


# --- installed apps ---------------------------------------------------------------------------------------------------


def tor() -> AppPackage:
    """A package of the catalog."""
    return load_package(APPS / "tor")


async def install(state: State, **changes: Any) -> AppRecord:
    """Install it."""
    values: dict[str, Any] = {"package": tor(), "desired": Desired.RUNNING, "ports": {"socks": 9050}, **changes}
    record = AppRecord(app="tor", slot=await state.take_slot("tor"), **values)
    await state.save((record,), message="installed", app="tor")
    return record


def newer(manifest: str) -> str:
    """Return a stored package with a manifest of another version."""
    return json.dumps({**json.loads(package_to_json(tor())), "manifest": manifest})


async def test_an_app_comes_back_as_it_was_saved(state: State) -> None:
    record = await install(state, options={"a": 1}, choices={"x": "y"}, lan={"socks": True}, installed_at=7.0)
    assert await state.load_apps() == {"tor": record}


async def test_an_app_whose_manifest_is_refused_is_read_as_far_as_it_can_be(state: State, database: Database) -> None:
    await install(state)
    stored = newer(tor().manifest_text + "\nmoon: full\n")
    await write(database, "UPDATE apps SET package = :package", {"package": stored})
    found = (await state.load_apps())["tor"]
    assert found.package.manifest == tor().manifest, "all but the key that is unknown"
    assert "refuses its manifest: moon: " in found.package.problem and "update the app" in found.package.problem
    assert found.ports == {"socks": 9050} and found.desired is Desired.RUNNING


@pytest.mark.parametrize(
    "stored",
    [
        newer(""),
        newer("- a list"),
        newer("{"),
        newer("manifest: 2\nname: Tor\ncontainers: none\n"),
        newer(tor().manifest_text.replace("containers:", "pods:")),
        '{"format": 2, "manifest": {"id": "tor"}}',
        '{"format": 2}',
        "[]",
        "no JSON",
    ],
)
async def test_whatever_is_stored_the_app_is_there_with_its_problem(
    state: State, database: Database, stored: str
) -> None:
    await install(state)
    await write(database, "UPDATE apps SET package = :package", {"package": stored})
    found = (await state.load_apps())["tor"]
    assert found.package.problem and found.package.manifest.id == "tor" and found.package.manifest.containers


async def test_what_is_stored_of_an_app_with_a_problem_stays_until_it_has_another_package(
    state: State, database: Database
) -> None:
    record = await install(state)
    stored = '{"format": 2, "manifest": "whatever", "more": true}'
    await write(
        database, "UPDATE apps SET package = :package, ports = :ports", {"package": stored, "ports": '{"b": 2}'}
    )
    (before,) = await rows(database, "apps")
    found = (await state.load_apps())["tor"]

    async def save(changed: AppRecord) -> dict[str, Any]:
        await state.save((changed,), message="changed", app="tor")
        (row,) = await rows(database, "apps")
        return row

    assert await save(AppRecord("tor", found.package, Desired.RUNNING, found.slot)) == before
    assert await save(AppRecord("tor", found.package, Desired.STOPPED, found.slot)) == {**before, "desired": "stopped"}
    assert await save(AppRecord("tor", found.package, Desired.RUNNING, found.slot)) == before
    assert len(await RevisionStore(database).history("tor")) == 1, "nothing is known of its configuration"
    await save(record)
    assert await state.load_apps() == {"tor": record}


async def test_an_app_that_is_to_be_something_unknown_is_left_as_it_is(state: State, database: Database) -> None:
    record = await install(state)
    await write(database, "UPDATE apps SET desired = 'paused'", {})
    found = (await state.load_apps())["tor"]
    assert "'paused'" in found.package.problem and found.package.manifest == record.package.manifest
    await state.save((AppRecord("tor", found.package, Desired.RUNNING, found.slot),), message="", app="tor")
    assert [row["desired"] for row in await rows(database, "apps")] == ["paused"]
    await state.save((AppRecord("tor", found.package, Desired.STOPPED, found.slot),), message="stopped", app="tor")
    now = (await state.load_apps())["tor"]
    assert now.desired is Desired.STOPPED and not now.package.problem, "what its owner wants is known again"


# --- what else there is -----------------------------------------------------------------------------------------------


async def test_accounts_and_tokens_of_a_newer_version_may_do_what_is_known_and_stay(database: Database) -> None:
    store = AccountStore(database)
    people = (User("eve", Role.VIEWER, "$argon2id$", 1.0), User("owner", Role.OWNER, "$argon2id$", 1.0))
    token = Token("t" * 64, "program", frozenset({Permission.READ}), 1.0, 4e9)
    await store.run(lambda book: ([book.change_user(each) for each in people], book.save_token(token)))
    await write(database, "UPDATE users SET role = 'treasurer' WHERE name = 'eve'", {})
    await write(database, "UPDATE tokens SET permissions = :json", {"json": '["fly", "read"]'})
    kept = (await store.run(lambda book: book.user("eve"))).kept
    assert [user.name for user in kept.users] == ["owner"]
    assert kept.tokens == (token,)
    assert {row["role"] for row in await rows(database, "users")} == {"owner", "treasurer"}
    assert [row["permissions"] for row in await rows(database, "tokens")] == ['["fly", "read"]']


async def test_the_mark_of_a_volume_may_say_more_or_less(database: Database) -> None:
    marks = VolumeMarks(database)
    await marks.keep("tor", {"data": Mark(7, None)})
    await write(database, "UPDATE facts SET value = :json", {"json": '{"inode": 8, "label": "x"}'})
    assert await marks.of("tor") == {"data": Mark(8, None)}


async def test_marks_are_read_once_and_again_after_a_change(database: Database) -> None:
    marks = VolumeMarks(database)
    assert await marks.of("tor") == {} == await marks.of("knots")
    await marks.keep("tor", {"data": Mark(7, None)})
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(marks.keep("tor", {"logs": Mark(9, None)}))
        group.create_task(marks.of("tor"))
    assert (
        await marks.of("tor") == await VolumeMarks(database).of("tor") == {"data": Mark(7, None), "logs": Mark(9, None)}
    )
    await marks.forget("tor", ("logs",))
    assert await marks.of("tor") == {"data": Mark(7, None)}
    await write(database, "DELETE FROM facts", {})
    assert await marks.of("tor") == {"data": Mark(7, None)} and await marks.of("knots") == {}
