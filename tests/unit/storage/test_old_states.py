"""State databases that earlier versions wrote (`tests/fixtures/make_old_states.py`) open, with all that is in them."""

import contextlib
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archipelago.api.operations import operation_views
from archipelago.errors import NodeError
from archipelago.storage import database as database_module
from archipelago.storage.database import Database
from archipelago.storage.records.apps import Desired
from archipelago.storage.records.notices import Hiding
from archipelago.storage.records.operations import OperationFailure, OperationRecord, OperationState
from archipelago.storage.records.permissions import Permission, Role
from archipelago.storage.records.runs import RunRecord
from archipelago.storage.schema import newest_revision
from archipelago.storage.stores.accounts import AccountStore
from archipelago.storage.stores.hidden_notices import HiddenNotices
from archipelago.storage.stores.notice_channels import NoticeChannels
from archipelago.storage.stores.revisions import RevisionStore
from archipelago.storage.stores.runs import RunStore
from archipelago.storage.stores.state import State
from support.checkout import FIXTURES

STATES = sorted(FIXTURES.glob("state-*.db"))
BOTH = {"apps": ["bitcoin-knots", "tor"]}
HIDDEN = {"update:tor": Hiding.MUTED, "disk:data": Hiding.ACKNOWLEDGED}
RUN = RunRecord("a run", "syncing", "50 %", datetime.fromtimestamp(1_700_000_000, UTC))


def tables(path: Path) -> set[str]:
    """Return the definitions of everything in a database, without what they are called by chance."""
    with contextlib.closing(sqlite3.connect(path)) as found:
        names = [row[0] for row in found.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {f"{name}.{row[1]}" for name in names for row in found.execute(f"PRAGMA table_info({name})")}


def test_each_earlier_revision_has_a_database_of_its_time() -> None:
    versions = Path(database_module.__file__).parent / "migrations" / "versions"
    revisions = {path.name.partition("_")[0] for path in versions.glob("[0-9]*_*.py")}
    assert revisions - {newest_revision()} <= {path.stem.split("-")[1] for path in STATES}
    for path in STATES:
        with contextlib.closing(sqlite3.connect(path)) as found:
            written = found.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        assert written == path.stem.split("-")[1]


@pytest.mark.parametrize("name", [path.name for path in STATES])
async def test_an_old_database_opens_and_nothing_in_it_is_lost(tmp_path: Path, name: str) -> None:
    path, fresh = tmp_path / "state.db", tmp_path / "fresh.db"
    shutil.copy(FIXTURES / name, path)
    await (await Database(fresh).open()).close()
    for _ in range(2):  # the second time as any start finds it
        database = await Database(path).open()
        try:
            state = State(database, lambda _: None)
            await state.open()
            apps = await state.load_apps()
            assert set(apps) == {"bitcoin-knots", "tor"}
            knots, tor = apps["bitcoin-knots"], apps["tor"]
            assert (knots.desired, tor.desired) == (Desired.RUNNING, Desired.STOPPED)
            assert (knots.slot, tor.slot) == (0, 1)
            assert knots.options == {"network": "regtest"} and knots.choices == {"tor-socks": "tor"}
            assert knots.ports == {"web": 8000} and knots.package.manifest.id == "bitcoin-knots"
            assert "files/bitcoin.conf.j2" in knots.package.files
            assert not knots.package.problem and not tor.package.problem
            operations_are_there(await state.operations(None, 10))
            unfinished = await state.unfinished_operations()
            assert [(each.id, each.arguments) for each in unfinished] == [("running00000", BOTH)]
            messages = [event.message for event in await state.events_since(0, 100)]
            assert messages[0] == "bitcoin-knots is installed" and messages[-1] == "bitcoin-knots is healthy"
            assert await state.fact("node-id", lambda: "another") == "0123456789abcdef"
            await everybody_is_there(database, accounts=name > "state-0002")
            history = await RevisionStore(database).history("bitcoin-knots")
            assert len(history) == (1 if name >= "state-0004" else 0)
            runs = await RunStore(database).all()
            assert runs == ({"bitcoin-knots": {"main": RUN}} if name >= "state-0009" else {})
            hidden = {key: each.how for key, each in (await HiddenNotices(database).all()).items()}
            assert hidden == (HIDDEN if name >= "state-0010" else {})
            await channels_are_there(NoticeChannels(database), name)
        finally:
            await database.close()
        assert tables(path) == tables(fresh)


def operations_are_there(found: tuple[OperationRecord, ...]) -> None:
    """Require the operations that were written, each of which has a view."""
    running, failed, done = found
    assert (done.id, done.kind, done.app, done.state) == ("aabbccddeeff", "install", "tor", OperationState.DONE)
    assert (failed.kind, failed.state, running.kind) == ("update", OperationState.FAILED, "restart")
    assert failed.error == OperationFailure(code="IMAGE", message="no room", hint="free some", data={"bytes": 7})
    assert running.steps == failed.steps and [step.name for step in running.steps] == ["fetch", "start"]
    assert [step.state for step in running.steps] == [OperationState.DONE, OperationState.PENDING]
    assert [view.id for view in operation_views(found)] == [record.id for record in found]
    assert failed.arguments == BOTH and done.arguments == {"app": "tor"}


async def everybody_is_there(database: Database, *, accounts: bool) -> None:
    """Require the accounts and the token that were written, or none where there were none yet."""
    kept = (await AccountStore(database).run(lambda _: None)).kept
    assert {user.name: user.role for user in kept.users} == (
        {"owner": Role.OWNER, "eve": Role.VIEWER} if accounts else {}
    )
    for user in kept.users:
        assert user.password == f"$argon2id${user.name}" and user.version > 0
        assert (user.factor is not None) == (user.name == "owner")
    assert [(token.name, token.permissions) for token in kept.tokens] == (
        [("program", frozenset({Permission.READ}))] if accounts else []
    )


async def channels_are_there(store: NoticeChannels, name: str) -> None:
    """Require the channel that was written, with what waits for it, or none where there were none yet."""
    found = await store.all()
    if name < "state-0011":
        assert found == ()
        return
    (channel,) = found
    assert (channel.name, channel.least, channel.resolved, channel.language) == ("hook", "warning", True, "en")
    assert [each.content for each in await store.heads()] == ["a message"]
    assert (await store.announced(channel.id))["app:tor"].text == "Tor does not run"


async def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    shutil.copy(STATES[-1], path)
    with contextlib.closing(sqlite3.connect(path)) as newer, newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    before = tables(path)
    database = Database(path)
    with pytest.raises(NodeError, match="written by a newer version of Archipelago") as refused:
        await database.open()
    await database.close()
    assert "start the newer version again" in refused.value.hint and tables(path) == before
