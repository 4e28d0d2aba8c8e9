"""The node itself sends to where its owner wants, and keeps the secret for it, over a crash of the daemon."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web

from support.harness import RpcError, TestNode, running_node

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
SECRET = "a key that nobody else knows 7"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    async with running_node("notify") as node:
        yield node


async def test_a_test_arrives_signed_and_the_secret_stays(node: TestNode) -> None:
    received: list[tuple[str, bytes]] = []

    async def hook(request: web.Request) -> web.Response:
        received.append((request.headers.get("X-Archipelago-Signature", ""), await request.read()))
        return web.Response()

    application = web.Application()
    application.router.add_post("/hook", hook)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    settings = {"name": "mine", "target": {"kind": "webhook", "url": url}}
    try:
        added = await node.call("notice-channel-set", settings=settings, secret=SECRET)
        node.kill()
        await node.start()
        tested = await node.call("notice-channel-test", id=added["id"])
    finally:
        await runner.cleanup()
    ((signature, body),) = received
    assert signature.startswith("sha256=") and json.loads(body)["items"] == []
    assert tested["sent_at"] and tested["secret_set"]
    written = json.dumps([await node.call("notice-channel-list"), await node.call("audit-show", limit=100)])
    assert SECRET not in written and url not in json.dumps(await node.call("audit-show", limit=100))
    with pytest.raises(RpcError, match="cannot be reached"):
        await node.call("notice-channel-test", id=added["id"])
    await node.call("notice-channel-remove", id=added["id"])
    assert await node.call("notice-channel-list") == []


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest/meta-data", "http://example.com/", "file:///etc/passwd"]
)
async def test_the_node_sends_nothing_to_where_nobody_should_ask_it_to(node: TestNode, url: str) -> None:
    with pytest.raises(RpcError):
        await node.call("notice-channel-set", settings={"name": "evil", "target": {"kind": "webhook", "url": url}})
    assert await node.call("notice-channel-list") == []
