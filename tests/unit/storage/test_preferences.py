"""What accounts have chosen for the page is kept for each of them, and goes with the account."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from archipelago.errors import NodeError
from archipelago.node.preferences import AccountPreferences
from archipelago.storage.database import Database
from archipelago.storage.records.logins import User
from archipelago.storage.records.permissions import Role
from archipelago.storage.records.preferences import PreferenceRecord
from archipelago.storage.stores.accounts import AccountStore
from archipelago.storage.stores.preferences import PreferenceStore


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    found = await Database(tmp_path / "state.db").open()
    yield found
    await found.close()


async def make_accounts(database: Database, *names: str) -> None:
    people = [User(name, Role.OWNER if name == "owner" else Role.VIEWER, "$argon2id$", 1.0) for name in names]
    await AccountStore(database).run(lambda book: [book.change_user(each) for each in people])


async def test_each_account_has_its_own_and_keeps_what_is_not_changed(database: Database) -> None:
    await make_accounts(database, "owner", "eve")
    store = PreferenceStore(database)
    assert await store.of("owner") == PreferenceRecord()
    await store.change("owner", {"card_order": ("chain", "machine"), "pinned_apps": ("tor",)})
    changed = await store.change("owner", {"pinned_apps": ()})
    assert changed == await store.of("owner") == PreferenceRecord(card_order=("chain", "machine"))
    await store.change("eve", {"hidden_cards": ("machine",)})
    assert await store.of("eve") == PreferenceRecord(hidden_cards=("machine",))
    assert (await store.of("owner")).hidden_cards == ()


async def test_they_go_with_the_account_and_do_not_come_back_with_its_name(database: Database) -> None:
    await make_accounts(database, "owner", "eve")
    store = PreferenceStore(database)
    await store.change("eve", {"pinned_apps": ("tor",)})
    await AccountStore(database).run(lambda book: book.remove_user("eve"))
    assert await store.change("eve", {"pinned_apps": ("knots",)}) is None, "a session that has just ended"
    with pytest.raises(NodeError, match="the session has ended"):
        await AccountPreferences(store).change("eve", {})
    await make_accounts(database, "eve")
    assert await store.of("eve") == PreferenceRecord()


async def test_the_owner_has_some_before_there_is_an_account(database: Database) -> None:
    store = PreferenceStore(database)
    assert await store.change("owner", {"pinned_apps": ("tor",)}) == PreferenceRecord(pinned_apps=("tor",))


async def test_what_another_version_wrote_stays(database: Database) -> None:
    await make_accounts(database, "owner")
    later = {"card_order": ["a-card-of-later"], "colour": "sea"}
    await database.change("INSERT INTO preferences VALUES ('owner', ?)", json.dumps(later))
    store = PreferenceStore(database)
    assert await store.of("owner") == PreferenceRecord(card_order=("a-card-of-later",))
    await store.change("owner", {"pinned_apps": ("tor",)})
    ((text,),) = await database.rows("SELECT value FROM preferences")
    assert json.loads(text) == {**later, "pinned_apps": ["tor"]}
    await store.change("owner", {"card_order": ()})
    for odd in ("[]", '{"card_order": 7}'):
        await database.change("UPDATE preferences SET value = ?", odd)
        assert await store.of("owner") == PreferenceRecord()
