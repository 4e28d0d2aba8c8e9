"""Whoever has a session and nothing else: what it opens, and what asks for the password again. Over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pyotp
import pytest
import pytest_asyncio

from archipelago.rpc.access import CONFIRMATION
from archipelago.rpc.methods.table import all_methods
from archipelago.storage.records.permissions import TOKEN_PERMISSIONS
from support.harness import TestNode, remove_leftovers, running_node
from support.visitors import PASSWORD, Visitor

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

OTHER = "another password of many words"
SENSITIVE: dict[str, dict[str, Any]] = {
    "password-set": {"password": OTHER},
    "totp-begin": {},
    "totp-confirm": {"code": "123456"},
    "totp-disable": {},
    "passkey-begin": {},
    "passkey-confirm": {"name": "x", "credential": {}},
    "passkey-remove": {"id": "x"},
    "user-add": {"user": "mallory", "role": "owner", "password": OTHER},
    "user-remove": {"user": "eve"},
    "token-create": {"name": "mallory", "permissions": ["read"]},
    "key-protect": {"passphrase": OTHER},
    "key-unprotect": {},
    "key-phrase": {},
    "key-restore": {"words": "abandon"},
    "secret-show": {"app": "x", "name": "y"},
    "onion-set": {"app": "x", "endpoint": "y", "access": "public"},
    "onion-key": {"app": "x", "endpoint": "y"},
    "onion-key-renew": {"app": "x", "endpoint": "y"},
    "onion-node-set": {"on": False},
    "onion-node-key": {},
    "onion-node-key-renew": {},
    "secret-set": {"app": "x", "name": "y", "value": "z"},
    "data-delete": {"app": "x", "kept": "2026-01-01T00-00-00.000Z"},
    "data-claim": {"app": "x", "evidence": ["0"]},
    "snapshot-restore": {"app": "x", "snapshot": "2026-01-01T00-00-00.000Z"},
    "snapshot-delete": {"app": "x", "snapshot": "2026-01-01T00-00-00.000Z"},
    "snapshot-schedule-set": {"app": "x", "every": "off", "keep_hourly": 0, "keep_daily": 0, "keep_weekly": 0},
    "snapshot-schedule-reset": {"app": "x"},
    "snapshot-schedule-default": {"every": "off"},
    "snapshot-extract": {"app": "x", "snapshot": "2026-01-01T00-00-00.000Z", "path": "volumes/x", "to": "/tmp/x"},
    "container-update-undo": {"app": "x"},
    "backup-target-add": {"target": "x", "settings": {"kind": "folder", "path": "/media/x"}},
    "backup-target-change": {"target": "x", "scheduled": False},
    "backup-target-remove": {"target": "x"},
    "backup-restore": {"app": "x", "target": "x"},
    "backup-restore-all": {"target": "x"},
    "backup-password-add": {"target": "x", "password": OTHER},
    "backup-password-remove": {"target": "x", "password": "0123abcd"},
    "backup-kit-secrets": {},
    "backup-extract": {"app": "x", "target": "x", "path": "volumes/x", "to": "/tmp/x"},
    "notice-channel-set": {"settings": {"name": "x", "target": {"kind": "ntfy", "topic": "x"}}},
    "notice-channel-remove": {"id": "0123456789abcdef"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node without apps, which has an owner and a viewer."""
    remove_leftovers()
    async with running_node("stolen", apps=tmp_path_factory.mktemp("catalog")) as running:
        await running.call("password-set", user="owner", password=PASSWORD)
        await running.call("user-add", user="eve", role="viewer", password=PASSWORD)
        yield running


def thief_of(node: TestNode, owner: Visitor) -> Visitor:
    """Return somebody who has read the owner's web storage."""
    thief = Visitor(node, "127.0.0.9")
    thief.headers = {name: text for name, text in owner.headers.items() if name != CONFIRMATION}
    return thief


async def test_what_asks_for_the_password_is_what_changes_how_one_logs_in(node: TestNode) -> None:
    assert {method.name for method in all_methods() if method.confirms} == set(SENSITIVE)


async def test_a_session_alone_changes_nothing_of_how_one_logs_in(node: TestNode) -> None:
    async with Visitor(node) as owner, Visitor(node) as eve:
        await owner.enter()
        await eve.enter("eve")
        async with thief_of(node, owner) as thief:
            assert await thief.ask("container-list") == [], "it is a session"
            for forged in ("", "x", eve.headers[CONFIRMATION], "9" * 40, owner.headers[CONFIRMATION] + "x"):
                thief.headers[CONFIRMATION] = forged
                for method, parameters in SENSITIVE.items():
                    assert await thief.ask(method, **parameters) == "confirm", method
            batch = [
                {"jsonrpc": "2.0", "id": 1, "method": method, "params": each} for method, each in SENSITIVE.items()
            ]
            assert {each["error"]["data"]["name"] for each in await thief.send(batch)} == {"confirm"}
        assert [each["name"] for each in await node.call("user-list")] == ["eve", "owner"]
        assert await node.call("token-list") == []


async def test_a_token_changes_nothing_of_it_whatever_it_may(node: TestNode) -> None:
    made = await node.call("token-create", name="all", permissions=sorted(TOKEN_PERMISSIONS))
    async with Visitor(node) as owner, Visitor(node) as program:
        await owner.enter()
        program.headers = {CONFIRMATION: owner.headers[CONFIRMATION], "Authorization": f"Bearer {made['secret']}"}
        for method, parameters in SENSITIVE.items():
            assert await program.ask(method, **parameters) == "forbidden", method
    await node.call("token-revoke", id=made["token"]["id"])


async def test_a_confirmation_ends_with_the_account_as_it_was_and_with_its_session(node: TestNode) -> None:
    async with Visitor(node) as eve, Visitor(node) as beside:
        await eve.enter("eve")
        made = await eve.ask("totp-begin")
        assert len((await eve.ask("totp-confirm", code=pyotp.TOTP(made["secret"]).now()))["codes"]) == 10
        assert await eve.ask("totp-disable") == "confirm"
        await eve.confirm()
        await beside.enter("eve", code="000000")
        assert await eve.ask("totp-disable") is None
        await eve.confirm()
        assert isinstance(await beside.enter("eve"), dict)
        eve.headers["Authorization"] = beside.headers["Authorization"]
        assert await eve.ask("totp-begin") == "confirm", "it is another session's"


async def test_whom_a_change_concerns_is_told_and_nobody_else(node: TestNode) -> None:
    async with Visitor(node) as owner, Visitor(node) as eve:
        await owner.enter()
        await eve.enter("eve")
        for each in (owner, eve):
            for notice in await each.ask("notice-list"):
                await each.ask("notice-dismiss", id=notice["id"])
        revision = (await owner.ask("system-info"))["revision"]
        made = await owner.ask("totp-begin")
        await owner.ask("totp-confirm", code=pyotp.TOTP(made["secret"]).now())
        (told,) = await owner.ask("notice-list")
        assert (told["action"], told["by"], told["origin"]) == ("totp-confirm", "owner", "127.0.0.1")
        assert [each["kind"] for each in await owner.ask("events-since", revision=revision)] == ["notice"]
        assert await eve.ask("notice-list") == []
        assert await eve.ask("notice-dismiss", id=told["id"]) == "invalid-value", "it is not hers"
        await owner.confirm()
        assert await owner.ask("totp-disable") is None
        await owner.confirm()
        assert isinstance(await owner.ask("key-phrase"), str)
        await owner.ask("password-set", user="eve", password=PASSWORD)
        seen = [(each["action"], each["subject"]) for each in await owner.ask("notice-list")]
        own = [("totp-disable", "owner"), ("totp-confirm", "owner")]
        assert seen == [("password-set", "eve"), ("key-phrase", ""), *own]
        await eve.enter("eve")
        assert [each["by"] for each in await eve.ask("notice-list")] == ["owner"]
        await owner.ask("notice-dismiss", id=told["id"])
        assert len(await owner.ask("notice-list")) == 3


async def test_the_old_password_does_not_come_back_over_http(node: TestNode) -> None:
    old = PASSWORD
    for number in range(4):
        new = f"password of round {number}"
        async with Visitor(node, f"127.0.8.{number + 1}") as eve, Visitor(node, f"127.0.9.{number + 1}") as again:
            async with asyncio.timeout(60):
                begun, _ = await asyncio.gather(
                    eve.enter("eve", old), node.call("password-set", user="eve", password=new)
                )
            if isinstance(begun, dict):
                assert await eve.ask("container-list") == "login-needed"
            assert await again.enter("eve", old) == "wrong-credentials"
            assert isinstance(await again.enter("eve", new), dict)
        old = new


async def test_who_logs_in_while_the_account_goes_is_nobody_and_no_error(node: TestNode) -> None:
    for number in range(4):
        await node.call("user-add", user="bob", role="viewer", password=PASSWORD)
        async with Visitor(node, f"127.0.10.{number + 1}") as bob:
            begun, _ = await asyncio.gather(bob.enter("bob"), node.call("user-remove", user="bob"))
            if isinstance(begun, dict):
                assert await bob.ask("container-list") == "login-needed"
                assert await bob.get("/logs?app=x") == 401
            assert all(each["user"] != "bob" for each in await node.call("session-list"))
