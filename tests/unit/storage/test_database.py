"""The state database: which tables a version has, and what becomes of those of an earlier one."""

import contextlib
import json
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from archipelago.errors import NodeError
from archipelago.storage import database
from archipelago.storage.database import Database
from archipelago.storage.schema import newest_revision
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


def structure(path: Path) -> dict[str, object]:
    """Return what is declared in a database, in no order and by no name that SQLite made up, and the rows in it."""
    with contextlib.closing(sqlite3.connect(path)) as found:
        tables = [name for (name,) in found.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: (
                {row[1:] for row in found.execute(f"PRAGMA table_xinfo({name})")},
                {
                    (unique, origin, tuple(column for _, _, column in found.execute(f"PRAGMA index_info({index})")))
                    for _, index, unique, origin, _ in found.execute(f"PRAGMA index_list({name})")
                },
                found.execute(f"SELECT * FROM {name}").fetchall(),
                found.execute(
                    "SELECT sql LIKE '%AUTOINCREMENT%' FROM sqlite_master WHERE name = ?", (name,)
                ).fetchone(),
            )
            for name in tables
        }


async def test_a_new_database_has_what_the_migrations_make(tmp_path: Path) -> None:
    await (await Database(tmp_path / "new.db").open()).close()
    migrate(tmp_path / "migrated.db", "head")
    assert structure(tmp_path / "new.db") == structure(tmp_path / "migrated.db")


async def test_a_database_that_is_new_or_up_to_date_needs_no_migration(tmp_path: Path) -> None:
    loaded = {name: sys.modules.pop(name) for name in tuple(sys.modules) if name.partition(".")[0] in LARGE}
    upgrade = sys.modules.pop("archipelago.storage.database_upgrade", None)
    try:
        for _ in range(2):
            await (await Database(tmp_path / "state.db").open()).close()
        assert not LARGE & sys.modules.keys(), "they take 20 MB and 0.2 s"
    finally:
        sys.modules.update(loaded)
        if upgrade is not None:
            sys.modules[upgrade.__name__] = upgrade


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
        await state.save((replace(record, tor={"web": "clients"}),), message="reached through Tor")
        assert (await state.load_apps())["relay"].tor == {"web": "clients"}
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
