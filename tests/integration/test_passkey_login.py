"""A passkey at a real node, over HTTP: made, used, removed."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from support.harness import TestNode, remove_leftovers, running_node
from support.soft_passkey import Device

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

PASSWORD = "correct horse battery staple"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node without apps, with a viewer."""
    remove_leftovers()
    async with running_node("passkeys", apps=tmp_path_factory.mktemp("catalog")) as running:
        await running.call("password-set", user="owner", password=PASSWORD)
        await running.call("user-add", user="viewer", role="viewer", password=PASSWORD)
        yield running


def browser_at(site: str) -> aiohttp.ClientSession:
    """Return a browser that has never been here."""
    return aiohttp.ClientSession(site)


async def ask(browser: aiohttp.ClientSession, method: str, **parameters: Any) -> Any:
    """Return the result of a method, or the name of its error; whoever has logged in shows so from then on."""
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    async with browser.post("/rpc/v1", json=request) as response:
        answer = await response.json(content_type=None)
    if method in ("login", "passkey-login") and "result" in answer:
        browser.headers["Authorization"] = f"Bearer {answer['result']['session']}"
        browser.headers["Archipelago-Confirmation"] = answer["result"]["confirmation"]
    return answer["result"] if "result" in answer else answer["error"]["data"]["name"]


async def test_a_passkey_logs_in_until_it_is_removed(node: TestNode) -> None:
    site, device = f"http://localhost:{node.port}", Device()
    async with browser_at(f"http://127.0.0.1:{node.port}") as browser:
        assert (await ask(browser, "login", user="viewer", password=PASSWORD))["user"] == "viewer"
        assert await ask(browser, "passkey-begin") == "invalid-value", "addresses have no passkeys"
    async with browser_at(site) as browser:
        await ask(browser, "login", user="viewer", password=PASSWORD)
        fresh = browser.headers.pop("Archipelago-Confirmation")
        assert await ask(browser, "passkey-begin") == "confirm"
        browser.headers["Archipelago-Confirmation"] = fresh
        options = await ask(browser, "passkey-begin")
        made = await ask(browser, "passkey-confirm", name="phone", credential=device.create(options, site))
        assert (made["user"], made["name"], made["host"]) == ("viewer", "phone", "localhost")
    async with browser_at(site) as browser:
        answer = device.get(await ask(browser, "passkey-challenge"), site)
        assert (await ask(browser, "passkey-login", credential=answer))["user"] == "viewer"
        assert await ask(browser, "container-list") == []
        assert await ask(browser, "passkey-login", credential=answer) == "wrong-credentials", "a challenge counts once"
        assert await ask(browser, "passkey-login", credential={"id": "x" * 20000}) == "invalid-params"
    assert len(await node.call("passkey-list")) == 1
    await node.stop()
    await node.start()
    async with browser_at(site) as browser:
        answer = device.get(await ask(browser, "passkey-challenge"), site)
        assert (await ask(browser, "passkey-login", credential=answer))["user"] == "viewer"
        del browser.headers["Archipelago-Confirmation"]
        (own,) = await ask(browser, "passkey-list")
        assert await ask(browser, "passkey-remove", id=own["id"]) == "confirm"
        answer = device.get(await ask(browser, "passkey-challenge"), site)
        confirmed = await ask(browser, "login-confirm", credential=answer)
        assert await ask(browser, "login-confirm", credential=answer) == "wrong-credentials", "it counts once here too"
        browser.headers["Archipelago-Confirmation"] = confirmed["confirmation"]
        await ask(browser, "passkey-remove", id=own["id"])
        answer = device.get(await ask(browser, "passkey-challenge"), site)
        assert await ask(browser, "passkey-login", credential=answer) == "wrong-credentials"
    assert await node.call("passkey-list") == []
