"""Logging in at a real node over HTTP: every method for every role, sessions, tokens, and what is refused."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pyotp
import pytest
import pytest_asyncio

from archipelago.rpc.methods.table import all_methods
from archipelago.storage.records.permissions import ANYBODY, PERMISSIONS, Permission, Role
from support.harness import RpcError, TestNode, remove_leftovers, running_node

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

AT_ONCE = 60
"""Calls of an unknown client that are certainly few enough."""
PASSWORD = "correct horse battery staple"
LOGGED_OUT = 4401


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node without apps, whose owner has set his password with the code of the console."""
    remove_leftovers()
    async with running_node("login", apps=tmp_path_factory.mktemp("catalog")) as running:
        async with asyncio.timeout(100):
            while not (found := re.search(r"with the code\s+([a-z2-7-]+)", running.log())):
                await asyncio.sleep(0.05)  # the console is a file here, and tells nobody
        async with visitor(running) as browser:
            answer = await ask(browser, "login-setup", code="aaaa-bbbb-cccc-dddd", password=PASSWORD)
            assert answer["error"]["data"]["name"] == "wrong-credentials"
            assert await refused(browser, "container-list") == "login-needed"
            assert (await ask(browser, "login-setup", code=found[1], password=PASSWORD))["result"]["role"] == "owner"
            assert (await ask(browser, "container-list"))["result"] == []
        for role in (Role.OPERATOR, Role.VIEWER):
            await running.call("user-add", user=role.value, role=role.value, password=PASSWORD)
        yield running


def visitor(node: TestNode, address: str = "127.0.0.1", **headers: str) -> aiohttp.ClientSession:
    """Return a browser that has never been here, at an address of loopback."""
    jar = aiohttp.CookieJar(unsafe=True)  # would keep cookies of addresses, such as 127.0.0.1
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    return aiohttp.ClientSession(f"http://127.0.0.1:{node.port}", cookie_jar=jar, headers=headers, connector=connector)


async def ask(browser: aiohttp.ClientSession, method: str, **parameters: Any) -> Any:
    """Call a method over HTTP; whoever has logged in shows so from then on."""
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    async with browser.post("/rpc/v1", json=request) as response:
        answer = await response.json(content_type=None)
        assert "Set-Cookie" not in response.headers
    if method in ("login", "login-setup") and "result" in answer:
        browser.headers["Authorization"] = f"Bearer {answer['result']['session']}"
        browser.headers["Archipelago-Confirmation"] = answer["result"]["confirmation"]
    return answer


async def refused(browser: aiohttp.ClientSession, method: str) -> str:
    """Return by which error a call without parameters is refused; empty where it passed the permission check."""
    error = (await ask(browser, method)).get("error")
    name = str(error["data"]["name"]) if error else ""
    return name if name in ("login-needed", "forbidden") and "permission" in error["data"] else ""


async def logged_in(node: TestNode, user: str, **parameters: Any) -> aiohttp.ClientSession:
    """Return the browser of somebody who has logged in."""
    browser = visitor(node)
    answer = await ask(browser, "login", user=user, password=PASSWORD, **parameters)
    assert "result" in answer, answer
    return browser


async def test_every_method_for_every_role(node: TestNode) -> None:
    harmless = [method for method in all_methods() if method.name != "logout"]
    for role in Role:
        async with await logged_in(node, role.value) as browser:
            for method in harmless:
                expected = "" if method.permission in PERMISSIONS[role] else "forbidden"
                assert await refused(browser, method.name) == expected, (role, method.name)
    # There are more methods than an unknown client may call at once.
    for at in range(0, len(harmless), AT_ONCE):
        async with visitor(node, f"127.0.0.{2 + at // AT_ONCE}") as browser:
            for method in harmless[at : at + AT_ONCE]:
                expected = "" if method.permission in ANYBODY else "login-needed"
                assert await refused(browser, method.name) == expected, method.name
    for permission in (Permission.READ, Permission.AUDIT):
        made = await node.call("token-create", name=f"may {permission}", permissions=[permission])
        async with visitor(node, Authorization=f"Bearer {made['secret']}") as program:
            for method in harmless:
                if method.permission not in ANYBODY:
                    expected = "" if method.permission is permission else "forbidden"
                    assert await refused(program, method.name) == expected, (permission, method.name)


async def test_pages_elsewhere_cannot_call_the_node_even_if_they_knew_the_secret(node: TestNode) -> None:
    async with await logged_in(node, "owner") as browser:
        assert len(browser.headers["Authorization"]) >= len("Bearer archs_") + 43
        other_port = f"http://127.0.0.1:{node.port + 1}"
        for headers in (
            {"Origin": "http://evil.example"},
            {"Origin": other_port},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Host": "evil.example"},
        ):
            call = {"jsonrpc": "2.0", "id": 1, "method": "container-list"}
            async with browser.post("/rpc/v1", json=call, headers=headers) as response:
                assert response.status == 403
        for origin in ("http://evil.example", other_port):
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await browser.ws_connect("/ws/v1", headers={"Origin": origin})
            assert caught.value.status == 403
        noted = [entry for entry in await node.call("audit-show", limit=50) if entry["action"] == "http-request"]
        assert noted and all(entry["outcome"] == "refused" and "forbidden" in entry["detail"] for entry in noted)


async def test_a_session_ends_with_all_that_hangs_on_it(node: TestNode) -> None:
    async with await logged_in(node, "viewer") as browser:
        async with browser.ws_connect("/ws/v1") as events:
            (mine,) = (each for each in (await ask(browser, "session-list"))["result"] if each["current"])
            await node.call("session-revoke", id=mine["id"])
            assert (await events.receive(timeout=60)).data == LOGGED_OUT
        assert await refused(browser, "container-list") == "login-needed"
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await browser.ws_connect("/ws/v1")
        assert caught.value.status == 401
    async with await logged_in(node, "viewer") as browser:
        assert (await ask(browser, "logout"))["result"] is None
        assert await refused(browser, "container-list") == "login-needed"
        assert not list(browser.cookie_jar)


async def test_a_new_login_ends_the_session_before_and_outlives_a_restart(node: TestNode) -> None:
    async with await logged_in(node, "viewer") as browser:
        before = browser.headers["Authorization"]
        assert "result" in await ask(browser, "login", user="viewer", password=PASSWORD)
        async with visitor(node, Authorization=before) as thief:
            assert await refused(thief, "container-list") == "login-needed"
        await node.stop()
        await node.start()
        assert (await ask(browser, "container-list"))["result"] == []


async def test_nobody_changes_what_is_anothers(node: TestNode) -> None:
    async with await logged_in(node, "viewer") as browser:
        answer = await ask(browser, "password-set", user="owner", password="a new password 1")
        assert answer["error"]["data"]["name"] == "forbidden"
        answer = await ask(browser, "login-confirm", password="not this one at all")
        assert answer["error"]["data"]["name"] == "wrong-credentials"
        assert {each["user"] for each in (await ask(browser, "session-list"))["result"]} == {"viewer"}


async def test_the_second_factor_is_asked_for(node: TestNode) -> None:
    async with await logged_in(node, "operator") as browser:
        made = (await ask(browser, "totp-begin"))["result"]
        confirmed = await ask(browser, "totp-confirm", code=pyotp.TOTP(made["secret"]).now())
        assert "result" in confirmed, confirmed
        codes = confirmed["result"]["codes"]
    async with visitor(node) as browser:
        answer = await ask(browser, "login", user="operator", password=PASSWORD)
        assert answer["error"]["data"]["name"] == "second-factor"
    async with await logged_in(node, "operator", code=codes[0]) as browser:
        assert (await ask(browser, "login-status"))["result"]["second_factor"] is True
        again = await ask(browser, "login", user="operator", password=PASSWORD, code=codes[0])
        assert again["error"]["data"]["name"] == "wrong-credentials"
    await node.call("totp-disable", user="operator")


async def test_a_guesser_waits_and_the_owner_on_the_node_does_not(node: TestNode) -> None:
    found = set()
    async with visitor(node) as browser:
        right: dict[str, Any] = {}
        while "error" not in right:  # each wait is twice as long as the one before, so one lasts until the next call
            name = ""
            while name != "too-many":
                answer = await ask(browser, "login", password="guess guess guess")
                name = answer["error"]["data"]["name"]
                found.add(name)
            async with visitor(node) as owner:
                right = await ask(owner, "login", password=PASSWORD)
        assert found == {"wrong-credentials", "too-many"}
        assert right["error"]["data"]["name"] == "too-many"
    assert (await node.call("login-status"))["user"] == "owner"
    await node.call("password-set", user="owner", password=PASSWORD)
    with pytest.raises(RpcError):
        await node.call("password-set", user="owner", password="short")


async def test_every_attempt_is_on_record_and_no_password_is(node: TestNode) -> None:
    entries = await node.call("audit-show", limit=1000)
    kinds = {(each["who"], each["action"], each["outcome"]) for each in entries}
    assert ("nobody", "login", "refused") in kinds and ("nobody", "login", "done") in kinds
    assert ("viewer", "container-install", "refused") in kinds
    assert all(each["origin"] for each in entries if each["action"] == "login")
    assert all(secret not in str(entries) + node.log() for secret in (PASSWORD, "guess guess"))


async def test_who_calls_without_end_is_slowed_down(node: TestNode) -> None:
    async with visitor(node) as browser:

        async def status() -> int:
            async with browser.get("/healthz") as response:
                return response.status

        statuses = {200}
        while 429 not in statuses:  # all that may come at once, and what is given back meanwhile
            statuses.update(await asyncio.gather(*(status() for _ in range(20))))
        assert statuses == {200, 429}
    assert (await node.call("login-status"))["set_up"] is True
