"""An app that is a thief, opened in the owner's browser beside the node's page, at another port of the same host.

Browsers keep cookies, and much else, by host. The thief records every byte that the browser sends it, reads what a page
can read, plants, removes and floods cookies, and calls the node in every way that a page can. It finds nothing of the
node, and the owner stays logged in as the owner.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from archipelago.config import DEFAULT_UI
from support.chromium import chromium
from support.harness import APPS_AT, TestNode, free_port, remove_leftovers, running_node
from support.owner import PASSWORD, enter, inside, show_password
from support.tiny_apps import PATIENT, write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]
# A machine that builds images beside it is slow; what is awaited is an event all the same.
expect.set_options(timeout=60_000)

HERE = Path(__file__).parent
ATTEMPTS = (HERE / "thief.js").read_text()
DOORS = ("http://127.0.0.1", "http://localhost", f"https://{os.environ['ARCHIPELAGO_OUTSIDE'].split()[3]}")
"""On the host itself by both of its names; and on the local network, where the node lets connections in to apps."""
TRIED = ("container-stop", "user-add", "key-phrase", "terminal")
SHORTEST = 20
"""Characters of what may be a secret."""
READ = """() => JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}, document.referrer, window.name,
  window.opener === null])"""
PLANT = r"""(secure) => {
  const kinds = secure ? ["; secure", "; secure; samesite=strict", "; secure; partitioned; samesite=none"] : [""];
  for (const name of ["archipelago-session", "__Host-archipelago-session", "session", "Authorization"])
    for (const path of ["/", "/rpc", "/rpc/v1", "/ws", "/ws/v1", "/icons"])
      for (const kind of kinds) document.cookie = `${name}=archs_planted; path=${path}${kind}`;
  document.cookie = "\u{1f9c1}=\u00e9 \u4e2d,\\; path=/";
}"""
REMOVE = """() => {
  for (const name of document.cookie.split("; ").map((one) => one.split("=")[0]))
    for (const path of ["/", "/rpc", "/rpc/v1", "/ws", "/ws/v1", "/icons"])
      document.cookie = `${name}=; path=${path}; expires=Thu, 01 Jan 1970 00:00:00 GMT`;
  localStorage.clear();
}"""
FLOOD = """() => {
  for (let number = 100; number < 300; number += 1) document.cookie = `flood${number}=${"x".repeat(4085)}; path=/`;
  return document.cookie.length;
}"""
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}
USE = """async (options) => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({ publicKey })).toJSON();
}"""
REPLACE = """async () => {
  const id = new TextEncoder().encode("owner");
  const known = { rp: { id: "localhost", name: "x" }, user: { id, name: "owner", displayName: "owner" } };
  const kind = { pubKeyCredParams: [{ type: "public-key", alg: -7 }], challenge: new Uint8Array(32) };
  const authenticatorSelection = { residentKey: "required", userVerification: "required" };
  await navigator.credentials.create({ publicKey: { ...known, ...kind, authenticatorSelection } });
  const none = { rpId: "localhost", userId: btoa("owner").replaceAll("=", ""), allAcceptedCredentialIds: [] };
  await PublicKeyCredential.signalAllAcceptedCredentials?.(none);
}"""
FLOODED = 600_000
"""Characters of cookies that a browser keeps at least of those."""


@dataclass(frozen=True)
class Scene:
    """A node with a thief and a victim."""

    node: TestNode
    port: int
    """Of the thief: where programs on the host find it, and on the local network at the node's own address."""

    async def seen(self) -> str:
        """Return everything that was sent to the thief since this was asked last."""
        async with aiohttp.ClientSession() as session, session.get(f"http://{APPS_AT}:{self.port}/seen") as answer:
            return await answer.text(errors="replace")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A node whose owner has a password, and the two apps."""
    remove_leftovers()
    catalog, port = tmp_path_factory.mktemp("catalog"), free_port()
    endpoint = (
        f"{{kind: ui, protocol: http, login: own, container: main, port: 8000, host_port: {port}, access: [host, lan]}}"
    )
    write_app(
        catalog,
        "thief",
        command=json.dumps(["env", "perl", "-e", (HERE / "thief.pl").read_text()]),
        health=f"{PATIENT}\n    tmpfs: [{{path: /tmp}}]",
        packages="busybox-static, perl-base",
        more=f"endpoints: {{page: {endpoint}}}\n",
    )
    write_app(catalog, "victim", packages="busybox-static, perl-base")
    (catalog / "victim" / "icon.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    ui = os.environ.get("ARCHIPELAGO_UI", DEFAULT_UI)
    async with running_node("thief", apps=catalog, environment={"ARCHIPELAGO_UI": ui}) as node:
        await node.call("password-set", user="owner", password=PASSWORD)
        await node.call("network-listen", addresses=[DOORS[-1].removeprefix("https://")])
        for app in ("thief", "victim"):
            await node.install(app)
            await node.until(app, "healthy")
        yield Scene(node, port)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """The distribution's Chromium."""
    async with chromium() as launched:
        yield launched


async def secrets_of(context: BrowserContext) -> set[str]:
    """Return everything that the browser keeps by which somebody could be known: of storage, and of cookies."""
    state: Any = await context.storage_state()
    kept = [cookie["value"] for cookie in state["cookies"]]
    kept += [one["value"] for origin in state["origins"] for one in origin["localStorage"]]
    return {value for value in kept if len(value) >= SHORTEST}


async def is_owner(tab: Page) -> None:
    """Require that a tab that is loaded anew shows the owner's page, and is told what happens."""
    await tab.goto(
        "about:blank"
    )  # or the page that was there may open its WebSocket only now, and be taken for the new one
    heard = asyncio.Event()
    tab.on("websocket", lambda socket: socket.once("framereceived", lambda _: heard.set()))
    await tab.goto("/")
    await expect(inside(tab)).to_be_visible()
    async with asyncio.timeout(60):
        await heard.wait()


async def require_untouched(node: TestNode) -> None:
    """Require that no call of the thief had an effect."""
    assert {each["name"] for each in await node.call("user-list")} == {"owner"}
    (victim,) = [each for each in await node.call("container-list") if each["app"] == "victim"]
    assert victim["desired"] == "running"
    tried = [each for each in await node.call("audit-show", limit=500) if each["action"] in TRIED]
    assert all(each["outcome"] == "refused" for each in tried), tried


@pytest.mark.parametrize("door", DOORS)
async def test_a_thief_finds_nothing_and_changes_nothing(browser: Browser, scene: Scene, door: str) -> None:
    # Only on the local network is there still a host that the node's page and a port of an app share.
    shared = door == DOORS[-1]
    site, place = f"{door}:{scene.node.port}", f"{door if shared else f'http://{APPS_AT}'}:{scene.port}/"
    context = await browser.new_context(
        base_url=site,
        ignore_https_errors=True,
        locale="en-GB",
        service_workers="block",  # what is sent is watched at the tab; a worker would send it from elsewhere
    )
    context.set_default_timeout(60_000)
    tab = await context.new_page()
    await enter(tab, scene.node)
    secrets = await secrets_of(context)
    assert secrets, "somebody is logged in"
    await scene.seen()

    # It is opened, by the node's own link and by its address.
    await tab.goto("/apps")
    async with tab.expect_popup() as opening:
        await tab.get_by_role("link", name="Open thief").click()
    opened = await opening.value
    await expect(opened).to_have_title("thief")
    assert json.loads(await opened.evaluate(READ)) == ["", {}, {}, "", "", True]
    thief = await context.new_page()
    await thief.goto(place)
    assert await thief.title() == "thief"
    seen = await scene.seen()
    assert seen.count("GET / HTTP/1.1") >= 2
    assert not [word for word in ("archipelago", "archs_", "authorization:", site) if word in seen.lower()]
    assert not [secret for secret in secrets if secret in seen + await thief.evaluate(READ)]

    # It tries everything that a page can, with cookies of its own and without.
    assert {name: got for name, got in (await attempts(thief, site)).items() if got} == {}
    await thief.evaluate(PLANT, door.startswith("https"))
    await thief.goto(f"{place}plant")
    await is_owner(tab)
    assert {name: got for name, got in (await attempts(thief, site)).items() if got} == {}
    await thief.evaluate(REMOVE)
    await thief.goto(f"{place}clear")
    await is_owner(tab)
    assert await thief.evaluate(FLOOD) > FLOODED
    devtools, sent = await context.new_cdp_session(tab), asyncio.get_running_loop().create_future()
    await devtools.send("Network.enable")

    def keep_cookies(event: dict[str, dict[str, str]]) -> None:
        # The page that is open may send a request of its own first, and its requests are without cookies.
        headers = {name.lower(): value for name, value in event["headers"].items()}
        if "cookie" in headers and not sent.done():
            sent.set_result(headers["cookie"])

    devtools.on("Network.requestWillBeSentExtraInfo", keep_cookies)
    await is_owner(tab)
    if shared:
        assert len(await asyncio.wait_for(sent, 60)) > FLOODED, "the node is sent all of it"
    await is_owner(await context.new_page())
    assert shared or not sent.done(), "the node is sent nothing of it"

    # The owner is who he was, the thief knows what it knew, and nobody else got in.
    assert secrets <= await secrets_of(context)
    assert not [secret for secret in secrets if secret in await scene.seen() + await thief.evaluate(READ)]
    await require_untouched(scene.node)
    await context.close()


async def attempts(thief: Page, site: str) -> dict[str, Any]:
    """Have the thief's page try everything, and return what it got; what it opened is closed."""
    async with thief.expect_popup() as opening:
        got: dict[str, Any] = await thief.evaluate(ATTEMPTS, site)
    popup = await opening.value
    await popup.wait_for_load_state()
    assert await popup.evaluate("window.opener === null"), "whoever opens the node's page has no hold of it"
    await popup.close()
    return got


@pytest_asyncio.fixture(loop_scope="module")
async def another_program() -> AsyncIterator[int]:
    """The port of a program on loopback that serves an empty page."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<title>other</title>")
        writer.close()

    port = free_port()
    async with await asyncio.start_server(answer, "127.0.0.1", port):
        yield port


async def test_a_passkey_that_is_used_on_the_page_of_a_thief_is_worthless(
    browser: Browser, scene: Scene, another_program: int
) -> None:
    # No app listens at that name; another program of this host may.
    node, app = f"http://localhost:{scene.node.port}", f"http://localhost:{another_program}"
    context = await browser.new_context(base_url=node, locale="en-GB")
    tab = await context.new_page()
    devtools = await context.new_cdp_session(tab)
    await devtools.send("WebAuthn.enable")
    device = (await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE}))["authenticatorId"]

    async def kept() -> set[str]:
        found = await devtools.send("WebAuthn.getCredentials", {"authenticatorId": device})
        return {each["credentialId"] for each in found["credentials"]}

    await enter(tab, scene.node)
    await tab.goto("/security")
    form = tab.locator("form", has=tab.get_by_label("Name of the device"))
    await form.get_by_label("Name of the device").fill("this test")
    await form.get_by_role("button", name="Add a passkey").click()
    await show_password(tab)
    await expect(tab.get_by_text("this test")).to_be_visible()
    own = await kept()
    assert len(own) == 1
    # A program that works together with the page gets challenges for it; the owner lifts a finger for "localhost".
    await tab.goto(app)
    for called in (node, app):
        options = await as_program(node, called, "passkey-challenge")
        answer = await tab.evaluate(USE, options)
        assert await as_program(node, called, "passkey-login", credential=answer) == "wrong-credentials"
    await tab.evaluate(REPLACE)
    assert own <= await kept(), "the owner's passkey is still there, whatever became of that of the thief"
    assert len(await scene.node.call("passkey-list")) == 1
    await context.close()


async def as_program(node: str, called: str, method: str, **parameters: Any) -> Any:
    """Call the node as a program that says under which origin; return the result, or the name of the error."""
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    headers = {"Host": called.removeprefix("http://")}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{node}/rpc/v1", json=request, headers=headers) as response,
    ):
        answer = await response.json()
    return answer["result"] if "result" in answer else answer["error"]["data"]["name"]


async def test_what_shows_who_is_logged_in_is_hidden_in_logs(browser: Browser, scene: Scene) -> None:
    request = {"jsonrpc": "2.0", "id": 1, "method": "login", "params": {"password": PASSWORD}}
    node, thief = f"http://127.0.0.1:{scene.node.port}", f"http://{APPS_AT}:{scene.port}"
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{node}/rpc/v1", json=request) as answer:
            secret = (await answer.json())["result"]["session"]
        token = (await scene.node.call("token-create", name="program", permissions=["read"]))["secret"]
        # As somebody would who pastes them where they do not belong.
        async with session.get(f"{thief}/told", headers={"X-Session": secret, "X-Token": f"Bearer {token}"}) as answer:
            assert answer.status == 200
    log = ""
    async with asyncio.timeout(60):
        while "X-Session: " not in log or "X-Token: " not in log:  # they come after the first line, and as others do
            lines = await scene.node.call("container-logs", app="thief", tail=2000)
            log = "\n".join(line["text"] for line in lines)
            await asyncio.sleep(0.05)  # a line is on its way through conmon
    assert "X-Session: archs_***" in log and "X-Token: Bearer arch_***" in log
    assert secret not in log and token not in log
