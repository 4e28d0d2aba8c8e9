"""How the page looks and is reached: every page by axe, at all widths, in both themes, by keyboard."""

import asyncio
import os
import re
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Page, expect

from support.everybody import COLOURS, require_for_everybody
from support.harness import TestNode
from support.owner import home, with_knots, with_ship

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(2400)]

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZES = {"desktop": (1280, 900), "phone": (375, 812)}
WIDTHS = (360, 3840)
"""A small phone, and a wall."""
SCREENSHOTS = Path(os.environ.get("ARCHIPELAGO_SCREENSHOTS", "")) if "ARCHIPELAGO_SCREENSHOTS" in os.environ else None
TABS = ("overview", "settings", "activity", "logs", "more", "access", "security", "parts", "terminal", "danger")
PAGES = (
    *("/", "/welcome", "/apps", "/store", "/store/anchor", "/store/specter", "/operations", "/backups"),
    *("/backups/restore", "/backups/kit", "/security", "/system"),
    *(f"/apps/ship/{tab}" for tab in TABS),
    *(f"/apps/bitcoin-knots/{tab}" for tab in ("overview", "logs", "settings", "access", "danger")),
)


async def test_every_page_is_there_for_everybody_on_a_phone_and_on_a_wall(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await with_knots(node)
    for path in PAGES:
        # One load for all, as loads take longest: a page follows its window, as a phone that is turned, and its day.
        await page.emulate_media(color_scheme="light", reduced_motion="reduce")
        await page.goto(path)
        for theme in THEMES:
            await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            await expect(page.locator("html")).to_have_attribute("data-theme", theme)
            await require_looks(page, path, theme)


async def require_looks(page: Page, path: str, theme: str) -> None:
    """Require that everybody can use a page in each size, and that it fits on a small phone and on a wall.

    The next theme changes its colours and nothing else.
    """
    for size, (width, height) in SIZES.items():
        await page.set_viewport_size({"width": width, "height": height})
        await require_fit(page, path)
        rules = () if theme == THEMES[0] else COLOURS
        await require_for_everybody(page, rules=rules, where=f"{path} in {theme}")
        if SCREENSHOTS is not None:
            name = path.strip("/").replace("/", "-") or "home"
            await page.screenshot(path=SCREENSHOTS / f"{name}-{size}-{theme}.png", full_page=True)
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        await require_fit(page, path)


async def require_fit(page: Page, path: str) -> None:
    """Require that a page is complete, and no wider than the window, once what is drawn for its size has been drawn."""
    await expect(page.locator("h1")).to_be_visible()
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    try:
        async with asyncio.timeout(60):
            await until_it_fits(page)
    except TimeoutError:
        pytest.fail(f"{path} is too wide")


async def until_it_fits(page: Page) -> None:
    """Return once nothing is wider than the window. The page's policy forbids the `eval` of `wait_for_function`."""
    fits = False
    while not fits:
        await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        fits = await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_keyboard_reaches_everything(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps")
    await expect(page.get_by_role("link", name="Details of ship")).to_be_visible()
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.locator("#content")).to_be_focused()
    for _ in range(30):
        await page.keyboard.press("Tab")
        # A link that covers a whole card has its outline around the card.
        outlines = "['', '::after'].map(part => getComputedStyle(document.activeElement, part).outlineStyle)"
        assert set(await page.evaluate(outlines)) != {"none"}, await page.evaluate("document.activeElement.outerHTML")
        if await page.evaluate("document.activeElement.ariaLabel") == "Details of ship":
            break
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1, name="ship")).to_be_visible()


async def test_nothing_is_asked_of_anybody_else_and_the_first_load_is_small(page: Page, node: TestNode) -> None:
    sizes: list[int] = []
    hosts: set[str] = set()
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Network.enable")
    await devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    devtools.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    page.on("request", lambda request: hosts.add(re.sub(r"^(\w+://[^/]+).*", r"\1", request.url)))
    await page.goto("/")
    await expect(home(page)).to_be_visible()
    await page.wait_for_load_state("networkidle")
    assert {host for host in hosts if host.startswith("http")} == {f"http://localhost:{node.port}"}
    assert 0 < sum(sizes) <= 220_000, sum(sizes)


async def test_nothing_jumps_while_home_arrives(page: Page) -> None:
    # Layout Instability API: the share of the window that moved, times the share of the way.
    await page.add_init_script(
        "window.jumped = []; new PerformanceObserver((list) => list.getEntries().forEach((one) => jumped.push("
        "{ value: one.value, of: one.sources.map((each) => each.node?.className) })))"
        ".observe({ type: 'layout-shift', buffered: true })"
    )
    # As most see it; what fades in meanwhile is not there yet.
    await page.emulate_media(reduced_motion="no-preference")
    for width, height in ((1280, 860), (390, 844)):
        await page.set_viewport_size({"width": width, "height": height})
        await page.goto("/")
        await expect(home(page)).to_be_visible()
        await page.wait_for_load_state("networkidle")
        jumped = await page.evaluate("jumped")
        assert sum(one["value"] for one in jumped) <= 0.02, jumped
