"""WebSocket and log stream over real sockets."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from archipelago.rpc.refusals import Refusals
from archipelago.rpc.server.server import RpcServer
from archipelago.rpc.streams import websocket as websocket_module
from archipelago.rpc.streams.places import Places
from archipelago.rpc.streams.websocket import MAX_SUBSCRIPTIONS, TOO_SLOW, SocketHub
from support.memory_node import EVIL, OWNERS, MemoryNode


@pytest.fixture
def node() -> MemoryNode:
    return MemoryNode()


@pytest.fixture
async def server(node: MemoryNode, tmp_path: Path) -> AsyncIterator[RpcServer]:
    server = RpcServer(node.services, OWNERS)
    await server.start(tmp_path / "s", 0)
    yield server
    await server.stop()


@pytest.fixture
async def session(server: RpcServer, node: MemoryNode) -> AsyncIterator[aiohttp.ClientSession]:
    headers = await node.headers()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}", headers=headers) as session:
        yield session


async def ask(socket: aiohttp.ClientWebSocketResponse, method: str, **params: Any) -> Any:
    await socket.send_json({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    return await socket.receive_json(timeout=20)


async def test_events_come_without_a_gap(session: aiohttp.ClientSession, node: MemoryNode) -> None:
    await node.changes.restart("knots")
    async with session.ws_connect("/ws/v1") as socket:
        answer = await ask(socket, "subscribe", kind="events", since=0)
        assert answer["result"] == {"subscription": 1, "revision": 1}
        await node.changes.stop("knots")
        revisions = [(await socket.receive_json(timeout=20))["params"]["event"]["revision"] for _ in range(2)]
        assert revisions == [1, 2]
        assert (await ask(socket, "unsubscribe", subscription=1))["result"] is True
        assert (await ask(socket, "unsubscribe", subscription=1))["result"] is False


async def test_logs_come_and_end(session: aiohttp.ClientSession) -> None:
    async with session.ws_connect("/ws/v1") as socket:
        assert "result" in await ask(socket, "subscribe", kind="logs", app="knots", tail=1)
        assert (await socket.receive_json(timeout=20))["params"]["log"]["text"] == EVIL
        assert (await socket.receive_json(timeout=20)) == {
            "jsonrpc": "2.0",
            "method": "ended",
            "params": {"subscription": 1},
        }
        await ask(socket, "subscribe", kind="logs", app="zip")
        ended = await socket.receive_json(timeout=20)
        assert ended["params"]["error"]["data"]["name"] == "not-installed"


async def test_an_icon_is_a_picture_and_never_a_page(session: aiohttp.ClientSession) -> None:
    async with session.get("/icons/knots?v=1") as answer:
        assert answer.content_type == "image/svg+xml"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert "script-src" not in answer.headers["Content-Security-Policy"]
    async with session.get("/screenshots/knots/1.png?v=1") as answer:
        assert answer.content_type == "image/png" and answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    missing = ("/screenshots/missing/1.png", "/screenshots/knots/2.png", "/screenshots/knots/..%2f1.png")
    for path in ("/icons/missing", "/icons/..%2f..%2fetc", "/icons/Knots", "/icons/", *missing):
        async with session.get(path) as answer:
            assert answer.status == 404
    for path in ("/icons/knots", "/screenshots/knots/1.png"):
        async with aiohttp.ClientSession(session._base_url) as stranger, stranger.get(path) as answer:
            assert answer.status == 401


async def test_large_answers_are_compressed_and_messages_are_not(session: aiohttp.ClientSession) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "rpc.discover", "params": {}}
    for accepted, encoding in (("gzip", "gzip"), ("identity", None)):
        async with session.post("/rpc/v1", json=call, headers={"Accept-Encoding": accepted}) as answer:
            assert answer.headers.get("Content-Encoding") == encoding
            assert "methods" in (await answer.json())["result"]
    async with session.post("/rpc/v1", json={**call, "method": "container-list"}) as answer:
        assert "Content-Encoding" not in answer.headers, "a small one is sent as it is"
    async with session.ws_connect("/ws/v1", compress=15) as socket:
        assert socket.compress == 0


async def test_malformed_messages_are_answered(session: aiohttp.ClientSession) -> None:
    async with session.ws_connect("/ws/v1") as socket:
        for text, code in (
            ("{", -32700),
            ("[]", -32600),
            ("5", -32600),
            ('{"jsonrpc":"2.0","id":1,"method":"container-list"}', -32601),
            ('{"jsonrpc":"2.0","id":1,"method":"subscribe"}', -32602),
            ('{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"kind":"events","since":-1}}', -32602),
        ):
            await socket.send_str(text)
            assert (await socket.receive_json(timeout=20))["error"]["code"] == code
        for _ in range(MAX_SUBSCRIPTIONS):
            assert "result" in await ask(socket, "subscribe", kind="events")
        assert (await ask(socket, "subscribe", kind="events"))["error"]["data"]["name"] == "busy"


async def test_a_message_that_is_too_large_closes(session: aiohttp.ClientSession) -> None:
    async with session.ws_connect("/ws/v1") as socket:
        await socket.send_str("x" * (1 << 20))
        await socket.receive(timeout=20)
        assert socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


async def test_foreign_pages_may_not_connect(session: aiohttp.ClientSession) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect("/ws/v1", headers=headers)
        assert caught.value.status == 403


async def test_the_end_of_the_node_is_told(session: aiohttp.ClientSession, server: RpcServer) -> None:
    async with session.ws_connect("/ws/v1") as socket:
        await ask(socket, "subscribe", kind="events")
        stop = asyncio.create_task(server.stop())
        await socket.receive(timeout=20)
        assert socket.close_code == aiohttp.WSCloseCode.GOING_AWAY
        await stop


async def test_a_client_that_does_not_read_is_closed(node: MemoryNode, monkeypatch: pytest.MonkeyPatch) -> None:
    from aiohttp import web

    from archipelago.rpc.access import Gate
    from archipelago.rpc.server.guard import Guard

    monkeypatch.setattr(websocket_module, "_CLOSE_TIMEOUT", 0.2)
    node.logs.flood = True
    ended = asyncio.Event()
    hub = SocketHub(node.services, Places("sockets", 9, 9), Places("logs", 9, 9), queue=4, patience=0.2)

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await hub.handle(request)
        finally:
            ended.set()

    application = web.Application(
        middlewares=[Guard(Gate(node.login, OWNERS, time.monotonic), Refusals(node.audit.record)).check]
    )
    application.router.add_get("/ws/v1", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        port = runner.addresses[0][1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        key = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        key += "AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: " + (await node.headers())["Authorization"]
        writer.write(f"GET /ws/v1 HTTP/1.1\r\nHost: localhost\r\n{key}\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        call = {"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {"kind": "logs", "app": "knots"}}
        body = json.dumps(call).encode()
        writer.write(bytes([0x81, 0x80 | len(body)]) + bytes(4) + body)  # a masked text frame
        async with asyncio.timeout(15):
            await ended.wait()
        async with asyncio.timeout(15):
            unread = await reader.read()  # it reads after all, and finds the code at the end
        writer.close()
        assert unread.endswith(b"\x88\x0a" + TOO_SLOW.to_bytes(2, "big") + b"too slow")
    finally:
        await runner.cleanup()


async def test_logs_as_lines_of_json(session: aiohttp.ClientSession) -> None:
    for query in ("app=knots", "app=knots&follow=1", "app=knots&tail=2&follow=0"):
        async with session.get(f"/logs?{query}") as response:
            assert response.status == 200
            assert [json.loads(line)["text"] for line in (await response.text()).split()] == ["first", EVIL]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("app=..%2F..", 400),
        ("app=knots&tail=-1", 400),
        ("app=knots&tail=x", 400),
        ("app=knots&zip=1", 400),
        ("app=knots&app=knots", 400),
        ("app=knots&follow=2", 400),
        ("app=zip", 404),
        ("app=zip&follow=1", 404),
    ],
)
async def test_logs_refuse_nonsense(session: aiohttp.ClientSession, query: str, status: int) -> None:
    async with session.get(f"/logs?{query}") as response:
        assert response.status == status
        assert (await response.json())["error"]["message"]


async def test_log_streams_end_with_the_node(
    session: aiohttp.ClientSession, server: RpcServer, node: MemoryNode
) -> None:
    node.logs.flood = True
    async with session.get("/logs?app=knots&follow=1") as response:
        await response.content.readline()
        async with asyncio.timeout(10):
            await server.stop()
