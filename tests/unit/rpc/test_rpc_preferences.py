"""Preferences of the page: each account its own, ids of things that are gone among them, and never much of it."""

import json
from typing import Any

import pytest

from archipelago.rpc.access import Caller
from archipelago.storage.records.permissions import PERMISSIONS, Role
from support.memory_node import MemoryNode, dispatcher_of


class Page:
    """Calls a node in memory as somebody who has logged in."""

    def __init__(self) -> None:
        self._dispatcher = dispatcher_of(MemoryNode().services)

    async def call(self, who: str, method: str, **params: object) -> Any:
        caller = Caller(who, PERMISSIONS[Role.VIEWER], "127.0.0.1")
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        return json.loads(await self._dispatcher.answer(body, caller) or b"")

    async def get(self, user: str) -> Any:
        return (await self.call(user, "preferences-get"))["result"]


async def test_everybody_changes_his_own() -> None:
    page = Page()
    cards = ["chain", "a-card-of-later", "app:tor"]
    await page.call("eve", "preferences-set", card_order=cards, pinned_apps=["removed-app"])
    changed = await page.call("eve", "preferences-set", hidden_cards=["machine"])
    assert changed["result"] == await page.get("eve")
    assert await page.get("eve") == {
        "card_order": cards,
        "hidden_cards": ["machine"],
        "pinned_apps": ["removed-app"],
    }
    assert await page.get("owner") == {"card_order": [], "hidden_cards": [], "pinned_apps": []}


@pytest.mark.parametrize(
    "params",
    [
        {"card_order": [f"c{number}" for number in range(65)]},
        {"pinned_apps": [f"a{number}" for number in range(201)]},
        {"card_order": ["x" * 65]},
        {"card_order": ["chain", "chain"]},
        {"card_order": ["<b>"]},
        {"card_order": [7]},
        {"card_order": "chain"},
        {"pinned_apps": ["../etc"]},
        {"colour": "sea"},
        {"user": "owner"},
    ],
)
async def test_what_is_too_much_or_no_id_is_refused_whole(params: dict[str, Any]) -> None:
    page = Page()
    answer = await page.call("eve", "preferences-set", hidden_cards=["machine"], **params)
    assert answer["error"]["code"] == -32602
    assert await page.get("eve") == {"card_order": [], "hidden_cards": [], "pinned_apps": []}
