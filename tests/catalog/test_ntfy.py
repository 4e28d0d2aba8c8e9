"""ntfy as an owner uses it: a program sends, his phone reads, and nobody else does."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.harness import TestNode
from support.used_apps import calling, login, node_with, password, restart

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]
USED = {
    "ntfy": "a message is sent and read back with the node's password, also after a restart, and by nobody without it"
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    async with node_with("ntfy") as running:
        yield running


async def kept(node: TestNode, topic: str, **headers: str) -> list[str]:
    """Return the messages of a topic, as the app on a phone asks for them."""
    async with calling(node, "ntfy", "messages") as phone:
        status, lines = await phone.ask("GET", f"/{topic}/json?poll=1&since=all", **headers)
    assert status == 200, lines
    return [str(json.loads(line)["message"]) for line in lines.splitlines()]


async def test_a_message_is_read_by_the_owner_alone(node: TestNode) -> None:
    owner = login(await password(node, "ntfy"))
    async with calling(node, "ntfy", "messages") as program:
        status, sent = await program.ask("POST", "/backups", "The backup is done", Title="Node", **owner)
        assert status == 200 and json.loads(sent)["title"] == "Node", sent
        assert (await program.ask("POST", "/backups", "It is not", **login("wrong")))[0] == 401
        assert (await program.ask("POST", "/backups", "It is not"))[0] == 403
        assert (await program.ask("GET", "/backups/json?poll=1&since=all"))[0] == 403
    assert await kept(node, "backups", **owner) == ["The backup is done"]


async def test_messages_stay_over_a_restart_and_the_password_is_replaced(node: TestNode) -> None:
    old = login(await password(node, "ntfy"))
    async with calling(node, "ntfy", "messages") as program:
        assert (await program.ask("POST", "/door", "Somebody is at the door", **old))[0] == 200
    await restart(node, "ntfy")
    assert await kept(node, "door", **old) == ["Somebody is at the door"]
    await node.done(await node.call("secret-rotate", app="ntfy", name="password"))
    await node.until("ntfy", "healthy")
    async with calling(node, "ntfy", "messages") as program:
        assert (await program.ask("GET", "/door/json?poll=1", **old))[0] == 401
    assert await kept(node, "door", **login(await password(node, "ntfy"))) == ["Somebody is at the door"]
