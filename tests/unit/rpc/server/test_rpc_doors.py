"""What shows over HTTP who calls, and what does not: no cookie, and nothing else that a browser sends unasked."""

import asyncio
import base64
import contextlib
import re
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

import archipelago
from archipelago.rpc.access import CONFIRMATION, WEBSOCKET_PROTOCOL
from archipelago.rpc.server.heads import MAX_FIELD, MAX_HEAD
from archipelago.rpc.server.server import RpcServer
from archipelago.security.login.sessions.secrets import SESSION_PREFIX
from archipelago.storage.database import Database
from archipelago.storage.stores.accounts import AccountStore
from support.memory_node import OWNERS, MemoryNode
from support.old_database import migrate
from support.soft_passkey import Device
from support.sources import SOCKET

PASSWORD = "correct horse battery staple"
CALL = {"jsonrpc": "2.0", "id": 1, "method": "container-list", "params": {}}
PAGE = "<!doctype html><title>page</title>"


@pytest.fixture
async def node() -> MemoryNode:
    """Return an node that has an owner."""
    node = MemoryNode()
    await node.login.accounts.set_up(None, PASSWORD)
    return node


@pytest.fixture
async def server(tmp_path: Path, node: MemoryNode) -> AsyncIterator[RpcServer]:
    (tmp_path / "ui").mkdir()
    (tmp_path / "ui" / "index.html").write_text(PAGE)
    server = RpcServer(node.services, OWNERS, ui=tmp_path / "ui")
    await server.start(tmp_path / "s", 0)
    try:
        yield server
    finally:
        await server.stop()


@pytest.fixture
async def browser(server: RpcServer) -> AsyncIterator[aiohttp.ClientSession]:
    """Return a client that keeps whatever cookie it is given."""
    jar = aiohttp.CookieJar(unsafe=True)  # "unsafe" are cookies of addresses, such as 127.0.0.1
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}", cookie_jar=jar) as session:
        yield session


async def log_in(browser: aiohttp.ClientSession) -> str:
    return str((await start(browser))["session"])


async def start(browser: aiohttp.ClientSession) -> dict[str, Any]:
    request = {**CALL, "method": "login", "params": {"password": PASSWORD}}
    async with browser.post("/rpc/v1", json=request) as response:
        assert "Set-Cookie" not in response.headers
        return dict((await response.json())["result"])


async def is_in(browser: aiohttp.ClientSession, **headers: str) -> bool:
    async with browser.post("/rpc/v1", json=CALL, headers=headers) as response:
        answer: dict[str, Any] = await response.json()
    if "error" in answer:
        assert answer["error"]["data"]["name"] == "login-needed"
    return "result" in answer


async def test_a_session_is_shown_by_a_header_and_by_no_cookie(browser: aiohttp.ClientSession) -> None:
    secret = await log_in(browser)
    assert secret.startswith(SESSION_PREFIX)
    assert not await is_in(browser)
    assert await is_in(browser, Authorization=f"Bearer {secret}")
    for name in ("archipelago-session", "__Host-archipelago-session", "session", "Authorization"):
        assert not await is_in(browser, Cookie=f"{name}={secret}")
    assert await is_in(browser, Authorization=f"Bearer {secret}", Cookie="archipelago-session=another")
    for scheme in ("Basic", "Cookie", ""):
        assert not await is_in(browser, Authorization=f"{scheme} {secret}")
    assert not await is_in(browser, **{"Sec-WebSocket-Protocol": f"{WEBSOCKET_PROTOCOL}, {secret}"})


def test_no_part_of_the_node_reads_or_sets_a_cookie_but_on_hosts_of_apps() -> None:
    folder = Path(archipelago.__file__).parent
    sources = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.py")}
    words = re.compile(r"\.cookies\b|set_cookie\(|Set-Cookie|http\.cookies")
    assert "rpc/server/server.py" in sources
    assert [name for name, text in sources.items() if words.search(text)] == ["network/app_entry.py"]


async def test_a_websocket_is_opened_by_the_secret_among_its_subprotocols_which_is_never_sent_back(
    browser: aiohttp.ClientSession,
) -> None:
    secret = await log_in(browser)
    async with browser.ws_connect("/ws/v1", protocols=(WEBSOCKET_PROTOCOL, secret)) as socket:
        assert socket.protocol == WEBSOCKET_PROTOCOL
        await socket.send_json({**CALL, "method": "subscribe", "params": {"kind": "events"}})
        assert "result" in await socket.receive_json()
    token = (await browser.get("/healthz")).headers.get("Sec-WebSocket-Protocol")
    assert token is None
    for refused in ((), (secret,), (WEBSOCKET_PROTOCOL,), (WEBSOCKET_PROTOCOL, secret, secret), ("x", secret)):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await browser.ws_connect("/ws/v1", protocols=refused)
        assert caught.value.status == 401, refused


async def test_a_token_is_no_subprotocol_and_bytes_that_are_no_text_are_no_secret(
    browser: aiohttp.ClientSession, node: MemoryNode, server: RpcServer
) -> None:
    from archipelago.storage.records.permissions import Permission

    made = await node.login.tokens.make("program", frozenset({Permission.READ}), 1, SOCKET)
    assert await is_in(browser, Authorization=f"Bearer {made.secret}")
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await browser.ws_connect("/ws/v1", protocols=(WEBSOCKET_PROTOCOL, made.secret))
    for prefix in (b"arch_", SESSION_PREFIX.encode()):
        answer = await exchange(server.port, b"GET /icons/knots HTTP/1.1", b"Authorization: Bearer %s\xff" % prefix)
        assert answer.startswith(b"HTTP/1.1 401 "), answer


async def test_the_page_has_browsers_drop_the_cookies_of_earlier_versions_and_no_others(
    browser: aiohttp.ClientSession, server: RpcServer
) -> None:
    here = URL(f"http://127.0.0.1:{server.port}/")
    browser.cookie_jar.update_cookies({"archipelago-session": "old", "of-an-app": "stays"}, here)
    async with browser.get("/") as response:
        etag = response.headers["ETag"]
        dropped = [each.partition("=")[0] for each in response.headers.getall("Set-Cookie")]
        assert dropped == ["archipelago-session", "__Host-archipelago-session"]
    assert [each.key for each in browser.cookie_jar] == ["of-an-app"]
    async with browser.get("/", headers={"If-None-Match": etag}) as response:
        assert response.status == 304 and "Set-Cookie" not in response.headers
    old = {"If-None-Match": etag, "Cookie": "archipelago-session=old"}
    async with browser.get("/", headers=old) as response:
        assert response.status == 304 and len(response.headers.getall("Set-Cookie")) == 2


async def exchange(port: int, *head: bytes, end: bytes = b"\r\n\r\n") -> bytes:
    """Return what the server answers to the head of a request, until it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"\r\n".join((*head, b"Host: localhost", b"Connection: close")) + end)
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


async def test_cookies_as_many_as_a_browser_keeps_do_not_keep_the_owner_out(
    server: RpcServer, browser: aiohttp.ClientSession
) -> None:
    secret = await log_in(browser)
    cookies = "; ".join(f"c{number:03}={'x' * 4091}" for number in range(180))
    assert 700_000 < len(cookies) < MAX_FIELD
    assert await is_in(browser, Authorization=f"Bearer {secret}", Cookie=cookies)
    async with browser.get("/", headers={"Cookie": cookies}) as response:
        assert await response.text() == PAGE
    async with browser.ws_connect("/ws/v1", protocols=("archipelago", secret), headers={"Cookie": cookies}) as socket:
        await socket.send_json({**CALL, "method": "subscribe", "params": {"kind": "events"}})
        assert "result" in await socket.receive_json()


@pytest.mark.parametrize("behind", [False, True])
async def test_the_head_of_a_request_is_bounded_as_a_whole_and_so_is_what_may_stand_behind_its_body(
    server: RpcServer, behind: bool
) -> None:
    fields = [b"X-%03d: %s" % (number, b"y" * (MAX_FIELD // 4)) for number in range(20)]
    assert sum(map(len, fields)) > 2 * MAX_HEAD
    head = [b"GET /healthz HTTP/1.1"]
    if behind:
        head = [b"POST /rpc/v1 HTTP/1.1", b"Content-Type: application/json", b"Transfer-Encoding: chunked"]
        fields = [b"Host: localhost", b"", b"2", b"{}", b"0", *fields]
    answer = b""
    try:
        answer = await exchange(server.port, *head, *fields, end=b"\r\n")
    except ConnectionError:
        pass  # it hung up before it had read everything, as it should
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


async def test_what_is_not_a_head_is_not_counted_as_one(server: RpcServer, browser: aiohttp.ClientSession) -> None:
    secret = await log_in(browser)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    body = b'{"jsonrpc":"2.0","id":1,"method":"container-list","params":{}' + b" " * 900_000 + b"}"
    head = f"POST /rpc/v1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    for _ in range(4):  # on one connection
        writer.write(head.encode() + body)
        await writer.drain()
        async with asyncio.timeout(10):
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200 "), answer
            length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            assert b'"result"' in await reader.readexactly(int(length.split(b":")[1]))
    writer.close()
    async with browser.ws_connect("/ws/v1", protocols=("archipelago", secret)) as socket:
        for number in range(60):
            await socket.send_json({**CALL, "id": number, "method": "unsubscribe", "params": {"subscription": 10**9}})
            await socket.send_str(" " * 40_000)
        for _ in range(120):
            assert (await socket.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT


async def test_sessions_of_a_version_with_cookies_end(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    migrate(path, "0005")
    with contextlib.closing(sqlite3.connect(path)) as old, old:
        old.execute("INSERT INTO users VALUES ('owner', 'owner', 'hash', 1.0, NULL, 0, '[]')")
        old.execute("INSERT INTO sessions VALUES ('0', 'owner', 1, 1, '::1', 'x')")
    database = await Database(path).open()
    try:
        kept = (await AccountStore(database).run(lambda _: None)).kept
        assert kept.sessions == () and [user.name for user in kept.users] == ["owner"]
    finally:
        await database.close()


async def test_the_page_of_an_app_at_another_port_makes_no_passkey_count(
    browser: aiohttp.ClientSession, server: RpcServer
) -> None:
    node, app = f"http://localhost:{server.port}", "http://localhost:1"
    device = Device()
    started = await start(browser)
    shown = {"Authorization": f"Bearer {started['session']}", CONFIRMATION: started["confirmation"]}

    async def ask(method: str, host: str, **params: Any) -> Any:
        """Call a method as a program that works together with the app, and says that it called this host."""
        headers = {"Host": host.removeprefix("http://"), **shown}
        call = {**CALL, "method": method, "params": params}
        async with browser.post("/rpc/v1", json=call, headers=headers) as response:
            answer = await response.json()
        return answer["result"] if "result" in answer else answer["error"]["data"]["name"]

    options = await ask("passkey-begin", app)
    made = device.create(options, app)
    assert await ask("passkey-confirm", app, name="of the app", credential=made) == "wrong-credentials"
    options = await ask("passkey-begin", node)
    assert len(base64.urlsafe_b64decode(options["user"]["id"] + "==")) == 64, "whoever knows it can have it replaced"
    made = await ask("passkey-confirm", node, name="phone", credential=device.create(options, node))
    assert made["host"] == "localhost"
    for host in (node, app):
        answer = device.get(await ask("passkey-challenge", host), app)
        assert await ask("passkey-login", host, credential=answer) == "wrong-credentials"
    answer = device.get(await ask("passkey-challenge", node), node)
    assert (await ask("passkey-login", node, credential=answer))["user"] == "owner"


async def test_an_expectation_goes_through_the_same_checks_as_all_else(browser: aiohttp.ClientSession) -> None:
    for path in ("/", "/healthz", "/ws/v1", "/logs", "/terminal", "/exec", "/openrpc.json", "/icons/a", "/certificate"):
        headers = {"Expect": "something", "Host": "evil.example"}
        async with browser.get(path, headers=headers) as response:
            assert response.status == 403, path


async def test_anybody_gets_what_a_device_needs_to_trust_the_node_and_no_more(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/certificate", headers={"Accept-Language": "nl"}) as response:
        assert response.status == 200 and "Trust" in await response.text()
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    for path in ("/certificate/authority.key", "/certificate/../secret"):
        async with browser.get(path) as response:
            assert response.status == 404, path
