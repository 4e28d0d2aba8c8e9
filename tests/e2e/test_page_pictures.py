"""Every page with fixed data: it looks as it did when somebody looked at it, and everybody can use it.

`make pictures` keeps new ones, in tests/e2e/pictures; look at them before you commit them.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route

from support.everybody import require_for_everybody
from support.stage.gallery import Gallery
from support.stage.pictures import difference, keep
from support.stage.shown import SETTLED, SIZES, UI, settle, settled
from support.stage.states import STATES, State

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300), pytest.mark.no_containers]

KEPT = Path(__file__).parent / "pictures"
KEEP = "ARCHIPELAGO_KEEP_PICTURES" in os.environ
APP_VIEWS = (
    *("electrumx", "mempool", "nostr-relay", "bitcoin-knots", "bitcoin-knots/settings"),
    *(f"electrumx/{tab}" for tab in ("activity", "logs", "more", "access", "security", "parts", "danger")),
)
VIEWS = (
    *(("calm", path) for path in ("/", "/apps", "/store", "/operations", "/security", "/system", "/help/start")),
    ("calm", "/system/trust"),
    *(("calm", f"/apps/{path}") for path in APP_VIEWS),
    *(("trouble", path) for path in ("/apps", "/apps/mempool", "/apps/home-assistant")),
    ("empty", "/apps"),
    *(("calm", f"/store/{page}") for page in ("btcpay", "specter", "mempool", "bundles/wallets")),
    *(("coming", path) for path in ("/store", "/store/btcpay")),
    ("login", "/login"),
    ("new", "/login"),
    ("setup", "/welcome"),
    *(("calm", f"/backups{page}") for page in ("", "/restore", "/restore/lnd", "/kit")),
    *((scene, "/backups") for scene in ("no-backups", "first-backup", "backing-up", "coming-back", "backup-trouble")),
    *((scene, "/") for scene in ("syncing", "trouble", "coming", "empty", "many", "failed")),
)
WHOLE = {("calm", "/"), ("calm", "/apps"), ("calm", "/store"), ("calm", "/apps/electrumx"), ("calm", "/store/specter")}
"""Views of which there is a picture in each size with each theme; of the others there are two."""
FITTED = ("phone", "dark")
"""The picture of each view after which the page is made narrower, its letters larger, and its direction another one."""
PICTURES = tuple(
    (scene, path, size, theme)
    for scene, path in VIEWS
    for size in SIZES
    for theme in ("light", "dark")
    if (scene, path) in WHOLE or (size, theme) in {("desktop", "light"), ("phone", "dark")}
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gallery(browser: Browser) -> AsyncIterator[Gallery]:
    """What shows one view after the other."""
    made = Gallery(browser)
    yield made
    await made.close()


@pytest.mark.parametrize(("scene", "path", "size", "theme"), PICTURES)
async def test_every_view_looks_as_it_did_and_fits(
    gallery: Gallery, scene: str, path: str, size: str, theme: Literal["light", "dark"]
) -> None:
    async with gallery.view(scene, path, size=size, theme=theme) as page:
        await require_look(page, f"{scene}{path.replace('/', '-').rstrip('-')}-{size}-{theme}.png")
        if (size, theme) == FITTED:
            await require_fits(page)


@pytest.mark.parametrize("name", STATES)
async def test_every_state_looks_as_it_did(gallery: Gallery, name: str) -> None:
    state = STATES[name]
    async with gallery.state(state) as (page, stage):
        stage.reachable = state.reachable
        await settle(page, state.path)
        for step in state.steps:
            await step(page, stage)
            await page.clock.run_for(SETTLED)
        await page.get_by_text(state.shown).filter(visible=True).first.wait_for()
        await settled(page)
        await require_look(page, f"state-{name}.png")


async def test_a_picture_waits_for_what_is_drawn_late(gallery: Gallery) -> None:
    async with gallery.state(State(scene="many", size="phone", theme="dark", shown="")) as (page, _):
        # The islands come once everything else has come, and their icons after them.
        await page.route("**/worker-*.js", begin_late)
        await settle(page, "/")
        pins = page.get_by_role("region", name="Your apps and what they use").get_by_role("listitem")
        icons = await pins.evaluate_all("all => all.map(one => one.querySelector('img')?.complete ?? false)")
        assert len(icons) > 30 and all(icons), icons


async def begin_late(route: Route) -> None:
    """Have a worker begin its work a second late."""
    script = UI / "assets" / route.request.url.rpartition("/")[2]
    busy = "for (const end = Date.now() + 1000; Date.now() < end; );"
    await route.fulfill(body=busy + script.read_text(), content_type="text/javascript")


async def require_look(page: Page, name: str) -> None:
    """Require that a page looks as it does in the picture of that name, that it fits, and that everybody can use it."""
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it is too wide"
    picture = await page.screenshot(animations="disabled")
    differs = difference(picture, KEPT / name)
    if differs and KEEP:
        keep(picture, KEPT / name)
        differs = difference(picture, KEPT / name)
    assert not differs, f"{name}: {differs}. Look at it; 'make pictures' keeps the new one"
    await require_for_everybody(page)


async def require_fits(page: Page) -> None:
    """Require that a page fits a small screen, large letters, and the other direction of writing."""
    await page.set_viewport_size({"width": 320, "height": 640})
    await settled(page)
    await require_fit(page, "for 320 px")
    await page.set_viewport_size({"width": 390, "height": 844})
    # Without a transition: else it is measured before the letters grow.
    await page.evaluate("Object.assign(document.documentElement.style, {transition: 'none', fontSize: '200%'})")
    assert await page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
    await require_fit(page, "with letters twice as large")
    await page.evaluate("document.documentElement.style.fontSize = ''; document.documentElement.dir = 'rtl'")
    await require_fit(page, "from right to left")


async def require_fit(page: Page, how: str) -> None:
    """Require that nothing leads out of the window at the side, once what is drawn for its size has been drawn."""
    try:
        async with asyncio.timeout(60):
            while not await page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
                await page.clock.run_for(SETTLED)
    except TimeoutError:
        pytest.fail(f"it is too wide {how}")
