"""The state database: which tables a version has, and what becomes of those of an earlier one."""

import contextlib
import json
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from archipelago.errors import NodeError
from archipelago.storage import database, schema
from archipelago.storage.database import Database, newest_revision
from archipelago.storage.stores.accounts import AccountStore
from archipelago.storage.stores.state import State
from support.old_database import migrate

RELAY = json.dumps(
    {
        "format": 1,
        "manifest": "{manifest: 1, id: relay, name: Relay, version: '1', summary: s, description: d, category: other, "
        "license: MIT, containers: {main: {build: {type: packages, packages: [x]}, "
        "health: {probe: {type: tcp, port: 1}}}}}",
        "files": {},
        "icon": None,
    }
)

LARGE = {"alembic", "sqlalchemy"}


def test_the_newest_revision_is_that_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == newest_revision()


async def test_a_database_that_is_up_to_date_needs_no_migration(tmp_path: Path) -> None:
    await (await Database(tmp_path / "state.db").open()).close()
    loaded = {name: sys.modules.pop(name) for name in tuple(sys.modules) if name.partition(".")[0] in LARGE}
    try:
        await (await Database(tmp_path / "state.db").open()).close()
        assert not LARGE & sys.modules.keys(), "they take 20 MB and 0.2 s at each start"
    finally:
        sys.modules.update(loaded)


async def test_the_migrations_make_the_tables_of_the_schema(tmp_path: Path) -> None:
    await (await Database(tmp_path / "state.db").open()).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'state.db'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    engine.dispose()


async def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    migrate(path, "0007")
    with contextlib.closing(sqlite3.connect(path)) as old, old:
        old.execute("CREATE TABLE hidden_notices (foreign_to_us TEXT)")  # revision 0009 makes one of that name
        before = old.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    opened = Database(path)
    with pytest.raises(NodeError, match=f"{path} cannot be used: .*already exists"):
        await opened.open()
    await opened.close()
    with contextlib.closing(sqlite3.connect(path)) as found:
        assert found.execute("SELECT version_num FROM alembic_version").fetchall() == [("0007",)]
        assert found.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall() == before


async def test_apps_of_an_earlier_version_are_as_open_as_their_manifests_say(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    migrate(path, "0007")
    with contextlib.closing(sqlite3.connect(path)) as old, old:
        old.execute("INSERT INTO apps VALUES ('relay', ?, 'running', '{}', '{}', '{}', 1.0)", (RELAY,))
        old.execute("INSERT INTO slots VALUES ('relay', 0)")
    opened = await Database(path).open()
    try:
        state = State(opened, lambda _: None)
        record = (await state.load_apps())["relay"]
        assert record.lan == {}
        await state.save((replace(record, lan={"web": True, "api": False}),), message="opened")
        assert (await state.load_apps())["relay"].lan == {"web": True, "api": False}
        await state.save((), remove=("relay",), message="removed")
        await state.save((replace(record, lan={}),), message="installed again")
        assert (await state.load_apps())["relay"].lan == {}, "what was open once is not open again"
    finally:
        await opened.close()


async def test_accounts_of_an_earlier_version_stay(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    migrate(path, "0006")
    with contextlib.closing(sqlite3.connect(path)) as old, old:
        for name in ("owner", "eve"):
            old.execute("INSERT INTO users VALUES (?, 'owner', 'hash', 1.0, NULL, 0, '[]')", (name,))
        for key, user in (("a", "owner"), ("b", "eve"), ("c", "gone")):
            old.execute("INSERT INTO sessions VALUES (?, ?, 1, 1, '::1', 'x')", (key, user))
    opened = await Database(path).open()
    try:
        store = AccountStore(opened)
        kept = (await store.run(lambda _: None)).kept
        versions = {user.name: user.version for user in kept.users}
        assert len(set(versions.values())) == 2 and 0 not in versions.values()
        assert {each.user for each in kept.sessions if each.version == versions.get(each.user)} == {"owner", "eve"}
        new = (await store.run(lambda book: book.change_user(kept.users[0]))).result
        assert new.version > max(versions.values())
    finally:
        await opened.close()
