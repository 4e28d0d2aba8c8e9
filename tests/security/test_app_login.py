"""An app without a login of its own, in a real browser: the node's login stands in front of it by every door.

The app records every byte that it is sent. Beside it runs a thief, which the owner opens in the same browser.
"""

import asyncio
import json
import os
import platform
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Error, Page, expect

from archipelago.config import DEFAULT_UI
from archipelago.support.host_names import host_label
from support.chromium import chromium
from support.harness import RpcError, TestNode, free_port, remove_leftovers, running_node
from support.owner import PASSWORD, enter, log_out
from support.tiny_apps import PATIENT, write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]
expect.set_options(timeout=60_000)

HERE = Path(__file__).parent
LAN = os.environ["ARCHIPELAGO_OUTSIDE"].split()[3]
ATTACKS = """async (vault) => {
  const got = {};
  const tried = async (name, work) => (got[name] = await Promise.race([
    Promise.resolve().then(work).catch(() => null), new Promise((give) => setTimeout(give, 5000, null))]));
  const credentials = "include";
  await tried("read", async () => (await fetch(vault, { credentials })).text());
  await tried("opaque", async () => void (await fetch(vault + "opaque", { credentials, mode: "no-cors" })));
  await tried("post", async () => void (await fetch(vault + "post", { method: "POST", credentials, mode: "no-cors" })));
  await tried("beacon", async () => void navigator.sendBeacon(vault + "beacon", "x"));
  await tried("login", async () => void (await fetch(vault + ".archipelago/login", { credentials, mode: "no-cors" })));
  await tried("socket", () => new Promise((give) => {
    const socket = new WebSocket(vault.replace("http", "ws") + "socket");
    socket.onopen = () => give("open");
    socket.onclose = () => give(null);
  }));
  for (const [name, tag, key] of [["frame", "iframe", "src"], ["image", "img", "src"], ["script", "script", "src"]])
    await tried(name, () => new Promise((give) => {
      const made = Object.assign(document.createElement(tag), { [key]: vault + name });
      made.onload = made.onerror = () => give(null);
      document.body.append(made);
    }));
  await tried("form", () => new Promise((give) => {
    const frame = Object.assign(document.createElement("iframe"), { name: "target" });
    const where = { action: vault + "form", method: "post", target: "target" };
    const form = Object.assign(document.createElement("form"), where);
    document.body.append(frame, form);
    frame.onload = () => give(null);
    form.submit();
  }));
  return got;
}"""


@dataclass(frozen=True)
class Scene:
    """A node with a vault, which has no login, and a thief."""

    node: TestNode
    port: int
    """That the manifest of the vault proposes."""

    @property
    def vault(self) -> str:
        """Where a browser on the node opens it."""
        return f"http://vault.localhost:{self.node.http_port}/"

    async def seen(self, app: str = "vault") -> str:
        """Return everything that an app was sent since this was asked last."""
        busybox = "/usr/bin/busybox"
        return await self.node.execute(app, busybox, "sh", "-c", f"{busybox} cat /tmp/seen; {busybox} rm -f /tmp/seen")

    async def asked(self, url: str, **headers: str) -> int:
        """Return how a program is answered."""
        named = {"Host": urlsplit(self.vault).netloc, **headers}
        async with (
            aiohttp.ClientSession() as session,
            session.get(url, headers=named, allow_redirects=False) as answer,
        ):
            return answer.status


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A node whose owner has installed both."""
    remove_leftovers()
    catalog, port = tmp_path_factory.mktemp("catalog"), free_port()
    for app, way in (("vault", f"host_port: {port}"), ("thief", f"host_port: {free_port()}, login: own")):
        write_app(
            catalog,
            app,
            command=json.dumps(["env", "perl", "-e", (HERE / "thief.pl").read_text()]),
            health=f"{PATIENT}\n    tmpfs: [{{path: /tmp}}]",
            packages="busybox-static, perl-base",
            more=f"endpoints: {{page: {{kind: ui, protocol: http, container: main, port: 8000, {way}}}}}\n",
        )
    ui = os.environ.get("ARCHIPELAGO_UI", DEFAULT_UI)
    async with running_node("applogin", apps=catalog, environment={"ARCHIPELAGO_UI": ui}) as node:
        await node.call("password-set", user="owner", password=PASSWORD)
        for app in ("vault", "thief"):
            await node.install(app)
            await node.until(app, "healthy")
        yield Scene(node, port)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """The distribution's Chromium, which finds names of the local network where they are."""
    async with chromium(f"--host-resolver-rules=MAP *.local {LAN}") as launched:
        yield launched


async def at(browser: Browser, origin: str) -> tuple[BrowserContext, Page]:
    context = await browser.new_context(base_url=origin, locale="en-GB", ignore_https_errors=True)
    context.set_default_timeout(60_000)
    return context, await context.new_page()


async def opened(tab: Page) -> Page:
    """Open the vault by the link of the node's page."""
    await tab.goto("/apps")
    async with tab.expect_popup() as opening:
        await tab.get_by_role("link", name="Open vault").click()
    page = await opening.value
    await expect(page).to_have_title("thief")
    return page


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_the_owner_opens_it_from_the_page_and_it_learns_nothing_of_the_login(
    browser: Browser, scene: Scene, host: str
) -> None:
    context, tab = await at(browser, f"http://{host}:{scene.node.port}")
    await enter(tab, scene.node)
    await scene.seen()
    page = await opened(tab)
    assert page.url == scene.vault
    assert await page.evaluate("document.cookie") == "" and await page.evaluate("document.referrer") == ""
    await page.evaluate("document.cookie = 'own=1; path=/'")
    await page.reload()
    seen = await scene.seen()
    assert "GET / HTTP/1.1" in seen and "Cookie: own=1\r\n" in seen
    state = await context.storage_state()
    secrets = [each["value"] for each in state["cookies"] if each["name"].startswith("archipelago")]
    secrets += [one["value"] for origin in state["origins"] for one in origin["localStorage"] if len(one["value"]) > 20]
    assert len(secrets) >= 2 and not [secret for secret in secrets if secret in seen]
    assert "archipelago" not in seen.lower() and str(scene.node.port) not in seen
    await context.close()


async def test_who_is_not_logged_in_logs_in_first_and_then_is_where_he_wanted_to_be(
    browser: Browser, scene: Scene
) -> None:
    context, tab = await at(browser, f"http://127.0.0.1:{scene.node.port}")
    await scene.seen()
    await tab.goto(f"{scene.vault}deep/page?a=b%20c")
    await expect(tab.get_by_label("Password")).to_be_visible()
    assert urlsplit(tab.url).netloc == f"127.0.0.1:{scene.node.port}" and await scene.seen() == ""
    await tab.get_by_label("Password").fill(PASSWORD)
    await tab.locator("form button.button-main").click()
    await expect(tab).to_have_title("thief")
    assert tab.url == f"{scene.vault}deep/page?a=b%20c"
    assert "GET /deep/page?a=b%20c HTTP/1.1" in await scene.seen()
    await context.close()


async def test_programs_and_strangers_on_the_host_are_refused(scene: Scene) -> None:
    await scene.seen()
    assert await scene.asked(f"http://127.0.0.1:{scene.node.http_port}/") == 401
    for address in ("127.0.0.1", "127.0.0.2", LAN):
        with pytest.raises(aiohttp.ClientConnectorError):
            await scene.asked(f"http://{address}:{scene.port}/")
    assert await scene.seen() == ""


async def test_a_program_gets_in_by_a_token_for_that_which_the_app_never_sees(scene: Scene) -> None:
    async def shown(*permissions: str) -> tuple[str, dict[str, str]]:
        made = await scene.node.call("token-create", name=" ".join(permissions), permissions=[*permissions])
        return made["token"]["id"], {"Authorization": f"Bearer {made['secret']}"}

    url = f"http://127.0.0.1:{scene.node.http_port}/api"
    _, manages = await shown("read", "manage")
    identity, uses = await shown("apps")
    await scene.seen()
    assert await scene.asked(url, **manages) == 403
    assert await scene.asked(url, **uses, **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}) == 403
    assert await scene.seen() == ""
    assert await scene.asked(url, **uses) == 200
    seen = await scene.seen()
    assert "GET /api " in seen and "arch_" not in seen and "authorization" not in seen.lower()
    with pytest.raises(RpcError):
        await scene.node.call("app-enter", site=scene.vault.rstrip("/"), state="x" * 22)
    await scene.node.call("token-revoke", id=identity)
    assert await scene.asked(url, **uses) == 401 and await scene.seen() == ""


async def test_a_thief_in_the_owners_browser_does_nothing_in_it(browser: Browser, scene: Scene) -> None:
    context, tab = await at(browser, f"http://127.0.0.1:{scene.node.port}")
    await enter(tab, scene.node)
    page = await opened(tab)
    await scene.seen()
    thief = await context.new_page()
    await thief.goto(f"http://thief.localhost:{scene.node.http_port}/")
    got = await thief.evaluate(ATTACKS, scene.vault)
    assert {name: found for name, found in got.items() if found} == {}
    assert await scene.seen() == "", "not even what it cannot read is done"
    assert await page.evaluate("fetch('/own').then((answer) => answer.status)") == 200, "the control"
    assert "GET /own " in await scene.seen()
    await context.close()


async def test_a_logout_ends_it_at_once_and_without_the_node_nobody_gets_in(browser: Browser, scene: Scene) -> None:
    context, tab = await at(browser, f"http://127.0.0.1:{scene.node.port}")
    await enter(tab, scene.node)
    page = await opened(tab)
    scene.node.kill()
    answer = await page.reload()
    assert answer is not None and answer.status == 503
    await expect(page.get_by_role("heading", name="The node is not there")).to_be_visible()
    await scene.node.start()
    await scene.node.until("vault", "healthy")
    async with asyncio.timeout(60):
        while await scene.asked(f"http://127.0.0.1:{scene.node.http_port}/") == 503:
            await asyncio.sleep(0.05)  # the door of apps is there a moment later, and tells nobody
    await page.reload()
    await expect(page).to_have_title("thief")
    await tab.goto("/")
    await log_out(tab)
    await expect(tab.get_by_label("Password")).to_be_visible()
    assert await page.evaluate("fetch('/after').then((answer) => answer.status)") == 401
    await page.reload()
    await expect(page.get_by_label("Password")).to_be_visible()
    assert "/after" not in await scene.seen()
    await context.close()


async def no_port_of_the_thief_is_called_by_its_name(scene: Scene, context: BrowserContext, site: str) -> None:
    """Cookies know no ports: even where a browser takes each certificate, as this one does, none is sent there."""
    thief = await scene.node.call("network-open", app="thief", endpoint="page")
    port = urlsplit(thief["local_addresses"][0]).port
    await scene.seen("thief")
    for scheme in ("https", "http"):
        tab = await context.new_page()
        with pytest.raises(Error):
            await tab.goto(f"{scheme}://{urlsplit(site).hostname}:{port}/trap")
        await tab.close()
    assert await scene.seen("thief") == ""
    tab = await context.new_page()
    await tab.goto(f"https://{host_label(platform.node())}.local:{port}/control")
    seen = await scene.seen("thief")
    assert "GET /control " in seen and "archipelago" not in seen
    await tab.close()
    await scene.node.call("network-close", app="thief", endpoint="page")


async def test_from_the_local_network_too_it_is_reached_through_the_nodes_login_alone(
    browser: Browser, scene: Scene
) -> None:
    await scene.node.call("network-listen", addresses=[LAN])
    context, tab = await at(browser, f"https://{LAN}:{scene.node.port}")
    await enter(tab, scene.node)
    await tab.goto("/apps")
    await expect(tab.get_by_role("link", name="Details of vault")).to_be_visible()
    assert await tab.get_by_role("link", name="Open vault").count() == 0, "it is not open to the network yet"
    status = await scene.node.call("network-open", app="vault", endpoint="page")
    site = f"https://vault-{host_label(platform.node())}.local:{scene.node.https_port}/"
    assert status["local_site"] == site and status["local_addresses"] == []
    await tab.reload()
    page = await opened(tab)
    assert page.url == site
    cookies = {each["name"]: each for each in (await context.storage_state())["cookies"]}
    kept = cookies["__Host-archipelago-session"]
    assert kept["secure"] and kept["httpOnly"] and kept["domain"] == urlsplit(site).hostname
    await no_port_of_the_thief_is_called_by_its_name(scene, context, site)
    stranger, there = await at(browser, site)
    await there.goto(site)
    await expect(there.get_by_label("Password")).to_be_visible()
    assert urlsplit(there.url).netloc == f"{host_label(platform.node())}.local:{scene.node.port}"
    await stranger.close()
    await scene.node.call("network-close", app="vault", endpoint="page")
    answer = await page.reload()
    assert answer is not None and answer.status == 404
    await context.close()
