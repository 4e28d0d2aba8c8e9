"""A real Caddy in front of apps that have no login of their own, which asks the node about each request."""

import asyncio
import json
import re
import statistics
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio

from archipelago.rpc.server.guard_socket import GuardSocket
from support.guarded_scene import CLIENT_IS_TOLD, READS_PAGE, GuardedScene, guarded_scene

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300), pytest.mark.no_containers]

MOST_TIMES = 8
"""Times as long as without a question a request takes with one, at most: a password alone takes a hundred times."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GuardedScene]:
    async with guarded_scene(tmp_path_factory.mktemp("guarded")) as scene:
        yield scene


async def test_nothing_reaches_the_app_before_the_node_has_let_it_in(scene: GuardedScene) -> None:
    scene.seen.clear()
    tricks = ["/", "/a?b", "//a", "/%2e%2e/a", "/.archipelago/../a", "/.archipelago%2f../a", "/x/../.archipelago/login"]
    for path in tricks:
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            status, _, _ = await scene.ask(path, method=method, body=b"x")
            assert status in (401, 404), (method, path)
    for header in (
        {"Archipelago_Site": "http://evil.example", "Archipelago_Method": "GET"},
        {"Archipelago_Uri": "/.archipelago/login"},
        {"Cookie": "archipelago-session=" + "f" * 64 + ".x"},
        {"Authorization": "Bearer archs_anything"},
        {"X_Forwarded_User": "owner"},
        {"Connection": "Archipelago-Site, Archipelago-Method, close"},
        {"X_Forwarded_Uri": "/check"},
    ):
        assert (await scene.ask(**header))[0] == 401, header
        status, headers, _ = await scene.ask(**READS_PAGE, **header)
        assert status == 303 and urlsplit(headers["Location"]).netloc == "127.0.0.1:8480", header
        assert headers["Cache-Control"] == "no-store"
    assert scene.seen == []
    assert (await scene.ask(label="plain"))[0] == 200, "the control: without a guard, the app answers"


async def test_smuggled_requests_reach_no_app(scene: GuardedScene) -> None:
    host = scene.host()
    hidden = f"GET /hidden HTTP/1.1\r\nHost: {host}\r\n\r\n"
    scene.seen.clear()
    for head in (
        f"Content-Length: {len(hidden)}\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 0\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        f"X: y\nContent-Length: {len(hidden)}\r\n",
        "",
    ):
        for body in (hidden, f"0\r\n\r\n{hidden}"):
            answer = await scene.raw(f"POST / HTTP/1.1\r\nHost: {host}\r\n{head}\r\n{body}".encode())
            assert b" 200 " not in answer, (head, answer)
    for request in (
        f"GET / HTTP/1.1\r\nHost: {host}\r\nHost: plain.localhost\r\n\r\n",
        f"GET http://plain.localhost/ HTTP/1.1\r\nHost: {host}\r\n\r\n",
        f"GET http://{host}/ HTTP/1.1\r\nHost: plain.localhost\r\n\r\n",
        f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n",
        f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n",
        f"GET /\r\n\r\nHost: {host}\r\n\r\n",
    ):
        await scene.raw(request.encode())
    assert [each for each in scene.seen if each[2].get("Host") == host] == []


async def test_no_form_of_a_request_leads_a_browser_elsewhere_or_past_the_login(scene: GuardedScene) -> None:
    host, cookie = scene.host(), await scene.cookie()
    scene.seen.clear()
    targets = ["//evil.example", "/\\evil.example", "/%5cevil.example", "/.archipelago/open?to=//evil.example"]
    given = ["to=/%5cevil.example", "to=https://evil.example", "to=%0d%0aX:y"]
    given += ["page=http://evil.example", "page=http://plain.localhost:8480"]
    targets += [f"/.archipelago/open?{each}" for each in given]
    targets += [f"http://{host}/", "http://evil.example/", "*", "//evil.example/.archipelago/open?to=/"]
    for target in targets:
        for version in ("1.0", "1.1"):
            for kept in ("", f"Cookie: archipelago-session=x; {cookie}x\r\n"):
                head = f"GET {target} HTTP/{version}\r\nHost: {host}\r\nAccept: text/html\r\n{kept}"
                answer = (await scene.raw(f"{head}Connection: close\r\n\r\n".encode())).decode()
                places = re.findall("(?im)^location: (.*)$", answer)
                assert all(urlsplit(each).netloc in ("127.0.0.1:8480", host) for each in places), (target, answer)
                assert answer.split()[1] in ("303", "400", "404") and "\nX:y" not in answer, (target, answer)
    for way in ("to=//evil.example", *given):
        status, headers, _ = await scene.ask(f"/.archipelago/open?{way}", Cookie=cookie, **READS_PAGE)
        assert status == 303 and urlsplit(headers["Location"]).netloc == host, "who is logged in stays here too"
    names = ("guarded.localhost.", "guarded.localhost:1", f"x@{host}", "plain.localhost, guarded.localhost")
    for named in (host.upper(), *names):
        assert (await scene.ask(Host=named))[0] in (400, 401, 404), named
    for upgrade in ("h2c", "websocket, h2c", "tls/1.0"):
        sent = {"Upgrade": upgrade, "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABkAAQAAP__"}
        assert (await scene.ask(**sent))[0] == 401, upgrade
    assert (await scene.ask(Cookie=f"{cookie}x; a={'y' * 600_000}"))[0] in (400, 401, 431)
    assert scene.seen == []


async def test_what_the_owner_sends_arrives_whole_and_nothing_of_the_node_with_it(scene: GuardedScene) -> None:
    cookie = await scene.cookie()
    body, cookies = b"whole" * 200_000, f"a=1; {cookie}; b=2"
    _, _, text = await scene.ask("/x?y=%26", method="POST", body=body, Cookie=cookies, Authorization="own")
    method, path, headers, got = json.loads(text)
    assert (method, path, got) == ("POST", "/x?y=%26", body.decode())
    assert headers["Cookie"] == "a=1; b=2" and headers["Authorization"] == "own"
    for label in ("guarded", "plain"):
        for sent in (cookie, f"{cookie}; {cookie}", f"archipelago-state-x=y; {cookie}", f"__Host-{cookie}; {cookie}"):
            _, _, text = await scene.ask(label=label, Cookie=sent, Archipelago_User="me")
            assert "archipelago-" not in text, (label, sent)
            assert "Cookie" not in json.loads(text)[2]
    headers = json.loads((await scene.ask(Cookie=f"{cookie}; a=1", Remote_User="root"))[2])[2]
    assert headers["Cookie"] == "a=1" and "Remote-User" not in headers
    assert not [name for name in headers if name.lower().startswith("archipelago")]


async def test_a_logout_ends_streams_at_once_and_no_other_is_opened(scene: GuardedScene) -> None:
    cookie = await scene.cookie()
    url, headers = f"http://127.0.0.1:{scene.where.http_port}", {"Host": scene.host(), "Cookie": cookie}
    other = {"Host": scene.host("plain")}
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(url, headers={"Host": scene.host()})
        assert refused.value.status == 401
        async with (
            session.ws_connect(url, headers=headers) as stream,
            session.ws_connect(url, headers=other) as beside,
        ):
            await stream.send_str("hello")
            assert (await stream.receive(timeout=CLIENT_IS_TOLD)).data == "echo hello"
            visitor = scene.login.by_app_session(f"http://{scene.host()}", cookie.partition("=")[2])
            assert visitor is not None
            await scene.login.log_out(visitor.session)
            assert (await stream.receive(timeout=CLIENT_IS_TOLD)).type in (
                aiohttp.WSMsgType.CLOSE,
                aiohttp.WSMsgType.CLOSED,
            )
            await beside.send_str("still here")
            assert (await beside.receive(timeout=CLIENT_IS_TOLD)).data == "echo still here"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url, headers=headers)
    assert (await scene.ask(Cookie=cookie))[0] == 401


async def test_a_logout_ends_answers_that_take_for_ever(scene: GuardedScene) -> None:
    cookie = await scene.cookie()
    await scene.until_listening(0)  # who listened in other tests has gone
    url = f"http://127.0.0.1:{scene.where.http_port}/events"
    guarded, plain = {"Host": scene.host(), "Cookie": cookie}, {"Host": scene.host("plain")}
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, headers=guarded) as answer,
        session.get(url, headers=plain) as beside,
    ):
        assert await answer.content.readline() == await beside.content.readline() == b"data: again\n"
        visitor = scene.login.by_app_session(f"http://{scene.host()}", cookie.partition("=")[2])
        assert visitor is not None and scene.listening == 2
        await scene.login.log_out(visitor.session)
        with pytest.raises(aiohttp.ClientError):
            async with asyncio.timeout(CLIENT_IS_TOLD):
                while await answer.content.readline():
                    pass
        await scene.until_listening(1)
        for _ in range(10):
            assert (await beside.content.readline()).strip() in (b"", b"data: again"), "another app goes on"


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", None])
async def test_a_node_that_says_nothing_of_use_lets_nobody_in(scene: GuardedScene, said: bytes | None) -> None:
    cookie = await scene.cookie()
    await scene.guard.stop()
    scene.seen.clear()
    held: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        held.append(writer)
        if said is not None:
            writer.write(said)
            writer.close()

    server = await asyncio.start_unix_server(answer, scene.caddy.guard)
    try:
        status, _, text = await scene.ask(Cookie=cookie, **READS_PAGE)
        assert held and status >= 500 and (status == 500 or "The node is not there" in text)
    finally:
        server.close()
        for each in held:
            each.close()
        scene.guard = GuardSocket(scene.entry)
        await scene.guard.start(scene.caddy.guard)
    assert scene.seen == []


async def test_without_the_node_nobody_gets_in_and_a_page_says_so(scene: GuardedScene) -> None:
    cookie = await scene.cookie()
    assert (await scene.ask(Cookie=cookie))[0] == 200
    scene.seen.clear()
    url, headers = f"http://127.0.0.1:{scene.where.http_port}/events", {"Host": scene.host(), "Cookie": cookie}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        assert await answer.content.readline() == b"data: again\n"
        await scene.guard.stop()
        await scene.pipes.close()
        with pytest.raises(aiohttp.ClientError):
            async with asyncio.timeout(CLIENT_IS_TOLD):
                while await answer.content.readline():
                    pass
    scene.seen.clear()
    for path in ("/", "/.archipelago/login?code=x&state=y"):
        status, headers, text = await scene.ask(path, Cookie=cookie, **READS_PAGE)
        assert status == 503 and "The node is not there" in text and headers["Cache-Control"] == "no-store"
    assert scene.seen == []
    assert (await scene.ask(label="plain"))[0] == 200, "an app with a login of its own stays reachable"
    scene.guard = GuardSocket(scene.entry)
    await scene.guard.start(scene.caddy.guard)
    await scene.apply(scene.doors)
    assert (await scene.ask(Cookie=cookie))[0] == 200, "and its session goes on"


async def test_the_question_takes_next_to_no_time(scene: GuardedScene) -> None:
    cookie = await scene.cookie()

    spans: dict[str, list[float]] = {"guarded": [], "plain": []}
    async with aiohttp.ClientSession() as session:
        for label in 200 * [*spans]:  # by turns: whatever else runs here holds up both
            began = time.perf_counter()
            headers = {"Host": scene.host(label), "Cookie": cookie}
            async with session.get(f"http://127.0.0.1:{scene.where.http_port}/", headers=headers) as answer:
                assert answer.status == 200
                await answer.read()
            spans[label].append(time.perf_counter() - began)
    # The client, the app and the node share one processor here; `bench` says what it takes where they do not.
    guarded, plain = (statistics.median(each) for each in spans.values())
    assert guarded < MOST_TIMES * plain, (guarded, plain)


async def test_only_the_service_user_can_ask_the_node_or_come_in_behind_it(scene: GuardedScene) -> None:
    sockets = [each for each in scene.caddy.guard.parent.iterdir() if each.is_socket()]
    assert {"admin.sock", "login.sock"} < {each.name for each in sockets} and len(sockets) == 3
    assert {each.stat().st_mode & 0o777 for each in sockets} == {0o600}
    assert scene.caddy.guard.parent.stat().st_mode & 0o777 == 0o700
