"""The built page in the distribution's Chromium, against a real node with real containers."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from tiny_apps import write_app

from harness import TestNode, free_port, podman, remove_leftovers, running_node

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

PASSWORD = "correct horse battery staple"
CHROMIUM = "/usr/bin/chromium"
SIZES = {"desktop": (1280, 900), "phone": (375, 812)}
SCREENSHOTS = Path(os.environ.get("ARCHIPELAGO_SCREENSHOTS", "")) if "ARCHIPELAGO_SCREENSHOTS" in os.environ else None
TABS = ("overview", "logs", "metrics", "settings", "access", "security", "terminal", "danger")
_FLAGS = [
    "--no-sandbox",  # a browser in a test, as a user without namespaces of his own
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node without a password, with a catalog of small apps."""
    remove_leftovers()
    catalog = tmp_path_factory.mktemp("catalog")
    endpoint = f"{{kind: ui, protocol: http, container: main, port: 8000, host_port: {free_port()}, label: Open it}}"
    write_app(catalog, "anchor", more="provides: {moor: {container: main, port: 8000}}\n")
    write_app(
        catalog,
        "ship",
        command='[sh, -c, "echo sails are set {{ options.sails }}; exec busybox httpd -f -p 8000 -h /"]',
        more=f"requires: {{moor: {{}}}}\nendpoints: {{deck: {endpoint}}}\n"
        "options: {sails: {type: int, label: Sails, default: 3, minimum: 1, maximum: 9, help: How many}}\n",
    )
    async with running_node("page", apps=catalog) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """The distribution's Chromium."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def context(browser: Browser, node: TestNode) -> AsyncIterator[BrowserContext]:
    """A browser that has never been here, of somebody who speaks English."""
    made = await browser.new_context(base_url=f"http://localhost:{node.port}", locale="en-GB")
    made.set_default_timeout(30_000)
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(context: BrowserContext, node: TestNode) -> AsyncIterator[Page]:
    """A tab of the owner, who is logged in; every error in it fails the test."""
    tab = await context.new_page()
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda said: errors.append(said.text) if "Content Security Policy" in said.text else None)
    await enter(tab, node)
    yield tab
    await tab.close()
    assert errors == []


async def enter(tab: Page, node: TestNode) -> None:
    """Log in; the first time, set the owner's password with the code of the console."""
    await tab.goto("/")
    await expect(tab.locator("h1")).to_be_visible()
    if "/login" not in tab.url:
        return
    if await tab.get_by_label("Set-up code").count():
        async with asyncio.timeout(30):
            while not (found := re.search(r"with the code\s+([a-z2-7-]+)", node.log())):
                await asyncio.sleep(0.05)  # the console is a file here, and tells nobody
        await tab.get_by_label("Set-up code").fill(found[1])
    await tab.get_by_label("Password").fill(PASSWORD)
    await tab.locator("form button.button-main").click()
    await expect(tab.get_by_role("heading", name="Good to have you here")).to_be_visible()


async def until_installed(tab: Page) -> None:
    """Install the ship with what it needs, through the plan, unless it is there."""
    await tab.goto("/store/ship")
    await expect(tab.get_by_role("heading", name="Install ship")).to_be_visible()
    await expect(tab.get_by_text("anchor 1.0")).to_be_visible()
    await tab.get_by_role("button", name="Install").click()
    await expect(tab.get_by_text("ship is installed.")).to_be_visible(timeout=120_000)


async def with_ship(tab: Page, node: TestNode) -> None:
    """Have the ship installed and running."""
    if "ship" not in {each["app"] for each in await node.call("container-list")}:
        await until_installed(tab)
    await node.until("ship", "healthy")


async def test_an_owner_sets_up_installs_changes_and_removes(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps")
    await expect(page.get_by_role("link", name="Details of ship")).to_be_visible()
    await expect(page.get_by_text("Running", exact=True).first).to_be_visible()

    await page.goto("/apps/ship/logs")
    await expect(page.get_by_role("log")).to_contain_text("sails are set 3")
    since = (await node.call("container-status", app="anchor"))["health"]["since"]
    await page.goto("/apps/ship/settings")
    await page.get_by_label("sails").fill("6")
    await expect(page.get_by_text("Restarts: ship")).to_be_visible()
    await page.get_by_label("sails").fill("77")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_role("alert")).to_contain_text("sails")
    await expect(page.get_by_label("sails")).to_have_value("77")
    await page.get_by_label("sails").fill("5")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_text("set by you")).to_be_visible()
    await page.goto("/apps/ship/logs")
    await expect(page.get_by_role("log")).to_contain_text("sails are set 5")
    assert (await node.call("container-status", app="anchor"))["health"]["since"] == since, "no other app restarts"

    await page.goto("/apps/ship")
    await page.get_by_role("button", name="Stop", exact=True).click()
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.get_by_role("button", name="Restart")).to_be_enabled()
    await node.until("ship", "healthy")

    await page.goto("/apps/ship/danger")
    await page.get_by_role("button", name="Remove ship").click()
    removal = page.locator("li.card", has=page.get_by_role("heading", name="Remove ship"))
    await expect(removal).to_contain_text("Done")
    assert {each["app"] for each in await node.call("container-list")} == {"anchor"}


async def test_the_first_start_shows_the_phrase_and_asks_it_back(page: Page, node: TestNode) -> None:
    await page.goto("/")
    await page.get_by_role("link", name="Go on").click()
    await page.get_by_role("button", name="Show the words").click()
    await expect(page.get_by_role("list", name="Recovery phrase").locator("li")).to_have_count(24)
    words = [
        text.split()[-1]
        for text in await page.get_by_role("list", name="Recovery phrase").locator("li").all_inner_texts()
    ]
    assert words == (await node.call("key-phrase")).split()
    await page.get_by_role("button", name="I have written them down").click()
    fields = page.get_by_label(re.compile(r"^Word \d+$"))
    await expect(fields).to_have_count(3)
    labels = [await fields.nth(at).evaluate("field => field.labels[0].innerText") for at in range(3)]
    for wrong in (True, False):
        for at, label in enumerate(labels):
            right = words[int(re.findall(r"\d+", label)[0]) - 1]
            await fields.nth(at).fill("zoo" if wrong and right != "zoo" else right)
        await page.get_by_role("button", name="Check").click()
        if wrong:
            await expect(page.get_by_role("alert")).to_contain_text("not what stands there")
            assert "phrase" not in (await node.call("setup-status"))["done"]
    await expect(fields).to_have_count(0)
    assert (await node.call("setup-status"))["done"] == ["phrase"]
    await page.get_by_role("button", name="Do not ask again").click()
    await expect(page.get_by_role("heading", name="Good to have you here")).to_be_visible()
    await expect(page.get_by_role("link", name="Go on")).to_have_count(0)


async def test_a_cancelled_installation_leaves_nothing(page: Page, node: TestNode) -> None:
    assert node.apps is not None
    # It never becomes ready, so that there is time.
    write_app(node.apps, "endless", health="health: {probe: {type: tcp, port: 9}, interval: 1s, start_timeout: 600s}")
    await page.goto("/store/endless")
    await page.get_by_role("button", name="Install").click()
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_text("cancelled by its owner")).to_be_visible()
    await expect(page.get_by_role("button", name="Install")).to_be_enabled()
    assert "endless" not in {each["app"] for each in await node.call("container-list")}
    await page.goto("/operations")
    row = page.locator("li.card", has=page.get_by_role("heading", name="Install endless"))
    await expect(row.get_by_role("link", name="Try again")).to_be_visible()


async def test_a_broken_container_is_seen_to_heal(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps/ship")
    await expect(page.get_by_text("Running", exact=True).first).to_be_visible()
    before = (await node.call("container-status", app="ship"))["health"]["restarts"]
    container = (await node.call("container-status", app="ship"))["containers"][0]["container"]
    await asyncio.to_thread(podman, "kill", container)
    await expect(page.get_by_role("heading", name="Last failure")).to_be_visible()
    await expect(page.get_by_text("Running", exact=True).first).to_be_visible()
    assert (await node.call("container-status", app="ship"))["health"]["restarts"] > before


async def test_data_that_was_kept_is_found_again(page: Page, node: TestNode) -> None:
    assert node.apps is not None
    write_app(node.apps, "chest", more="volumes: {data: {}}\n")
    manifest = node.apps / "chest" / "manifest.yml"
    mount = "    mounts: [{volume: data, path: /data}]\n    init: true"
    manifest.write_text(manifest.read_text().replace("    init: true", mount))
    for number in range(2):
        await page.goto("/store/chest")
        await page.get_by_role("button", name="Install").click()
        await expect(page.get_by_text("chest is installed.")).to_be_visible(timeout=120_000)
        if number == 0:
            await node.execute("chest", "/usr/bin/busybox", "touch", "/data/gold")
        assert await node.execute("chest", "/usr/bin/busybox", "ls", "/data") == "gold\n"
        await page.goto("/apps/chest/danger")
        if number == 1:
            await page.get_by_label("Delete its data too").check()
            await page.get_by_label("Type chest").fill("chest")
        await page.get_by_role("button", name="Remove chest").click()
        await expect(
            page.locator("li.card", has=page.get_by_role("heading", name="Remove chest")).first
        ).to_contain_text("Done")


async def test_a_terminal_runs_what_is_typed(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps/ship/terminal")
    screen = page.locator(".xterm-screen")
    await expect(screen).to_be_visible()
    await expect(page.locator(".xterm-accessibility-tree")).to_contain_text("~ $")
    await page.locator(".xterm-helper-textarea").focus()
    await page.keyboard.type("echo $((6*7))_leagues\n")
    await expect(page.locator(".xterm")).to_contain_text("42_leagues")
    await page.keyboard.type("exit\n")
    await expect(page.get_by_text("The terminal has ended.")).to_be_visible()


async def test_an_option_of_a_megabyte_is_refused_and_kept(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps/ship/settings")
    await page.get_by_label("Sails").evaluate(
        "field => { field.value = '9'.repeat(1 << 20); field.dispatchEvent(new Event('input')); }"
    )
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    assert len(await page.get_by_label("Sails").input_value()) == 1 << 20
    await page.get_by_role("button", name="Discard").click()
    await expect(page.get_by_label("Sails")).to_have_value(re.compile(r"^\d$"))


async def test_a_token_is_made_shown_once_and_works(page: Page, node: TestNode) -> None:
    await page.goto("/security")
    form = page.locator("form", has=page.get_by_label("What it is for"))
    await form.get_by_label("What it is for").fill("a program")
    await form.get_by_role("button", name="Make a token").click()
    token = await form.locator("code").inner_text()
    call = {"jsonrpc": "2.0", "id": 1, "method": "container-list", "params": {}}
    headers = {"Authorization": f"Bearer {token}"}
    answer = await page.request.post(f"http://127.0.0.1:{node.port}/rpc/v1", data=call, headers=headers)
    assert "result" in await answer.json()
    row = page.locator("li", has_text="a program")
    await row.get_by_role("button", name="Remove").click()
    await expect(row).to_have_count(0)
    answer = await page.request.post(f"http://127.0.0.1:{node.port}/rpc/v1", data=call, headers=headers)
    assert answer.status == 401 or "error" in await answer.json()


async def test_the_overview_shows_how_apps_are_connected_and_how_they_were(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps/ship")
    graph = page.get_by_role("region", name="How it is connected")
    await expect(graph.get_by_role("link")).to_have_count(2)
    history = page.get_by_role("list", name="Health until now")
    await expect(history).to_contain_text("Running")
    await expect(history).to_contain_text("Starting")
    await graph.get_by_role("link", name="anchor: moor").click()
    await expect(page.get_by_role("heading", level=1, name="anchor")).to_be_visible()
    await page.goto("/apps/ship/security")
    await page.get_by_role("button", name="Show the packages").click()
    await expect(page.get_by_role("list", name="Show the packages")).to_contain_text("busybox-static")


async def test_the_page_says_when_the_node_is_away_and_comes_back(page: Page, node: TestNode) -> None:
    await expect(page.get_by_role("status")).to_have_count(0)
    node.kill()
    await expect(page.get_by_role("status")).to_contain_text("cannot be reached")
    await node.start()
    await expect(page.get_by_role("status")).to_have_count(0, timeout=40_000)


async def test_an_ended_session_asks_again_and_keeps_what_was_typed(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps/ship/settings")
    await page.get_by_label("sails").fill("7")
    await node.call("password-set", user="owner", password=PASSWORD)
    await page.get_by_role("button", name="Apply").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Log in", exact=True).click()
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_label("sails")).to_have_value("7")


async def test_a_passkey_of_the_browser_logs_in(page: Page, context: BrowserContext, node: TestNode) -> None:
    devtools = await context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    await page.goto("/security")
    form = page.locator("form", has=page.get_by_label("Name of the device"))
    await form.get_by_label("Name of the device").fill("this test")
    await form.get_by_label("Password").fill(PASSWORD)
    await form.get_by_role("button", name="Add a passkey").click()
    await expect(page.get_by_text("this test")).to_be_visible()
    await page.get_by_role("button", name="Log out").first.click()
    await page.get_by_role("button", name="Log in with a passkey").click()
    await expect(page.get_by_role("heading", name="Good to have you here")).to_be_visible()


async def test_hostile_log_lines_are_text(page: Page, node: TestNode) -> None:
    assert node.apps is not None
    hostile = "<img src=x onerror=alert(1)> \\\\033[2Jgone \\\\033]0;owned\\\\007"
    write_app(node.apps, "pirate", command=f"[sh, -c, \"printf '{hostile}\\\\n'; exec busybox httpd -f -p 8000 -h /\"]")
    if "pirate" not in {each["app"] for each in await node.call("container-list")}:
        await node.install("pirate")
    await page.goto("/apps/pirate/logs")
    log = page.get_by_role("log")
    await expect(log).to_contain_text("<img src=x onerror=alert(1)> gone")
    assert await log.locator("img").count() == 0
    await node.done(await node.call("container-remove", app="pirate", delete_data=True))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
async def test_every_page_is_there_for_everybody(page: Page, node: TestNode, theme: str, size: str) -> None:
    await with_ship(page, node)
    width, height = SIZES[size]
    await page.set_viewport_size({"width": width, "height": height})
    await page.evaluate(f"localStorage.setItem('archipelago-theme', '{theme}')")
    pages = ["/", "/welcome", "/apps", "/store", "/store/anchor", "/operations", "/security", "/system"]
    pages += [f"/apps/ship/{tab}" for tab in TABS]
    for path in pages:
        await page.goto(path)
        await expect(page.locator("h1")).to_be_visible()
        await expect(page.locator("[aria-busy=true]")).to_have_count(0)
        found = await Axe().run(page)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is too wide"
        if SCREENSHOTS is not None:
            name = path.strip("/").replace("/", "-") or "home"
            await page.screenshot(path=SCREENSHOTS / f"{name}-{size}-{theme}.png", full_page=True)


@pytest.mark.parametrize("language", ["de", "es"])
async def test_no_word_of_another_language_is_left(browser: Browser, node: TestNode, language: str) -> None:
    made = await browser.new_context(base_url=f"http://localhost:{node.port}", locale=language)
    tab = await made.new_page()
    await tab.goto("/login")
    expected = {"de": "Anmelden", "es": "Entrar"}[language]
    await expect(tab.locator("button.button-main")).to_have_text(expected)
    assert await tab.evaluate("document.documentElement.lang") == language
    await made.close()


async def test_nothing_is_asked_of_anybody_else_and_the_first_load_is_small(page: Page, node: TestNode) -> None:
    sizes: list[int] = []
    hosts: set[str] = set()
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Network.enable")
    await devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    devtools.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    page.on("request", lambda request: hosts.add(re.sub(r"^(\w+://[^/]+).*", r"\1", request.url)))
    await page.goto("/")
    await expect(page.get_by_role("heading", name="Good to have you here")).to_be_visible()
    await page.wait_for_load_state("networkidle")
    assert {host for host in hosts if host.startswith("http")} == {f"http://localhost:{node.port}"}
    assert 0 < sum(sizes) <= 200_000, sum(sizes)
