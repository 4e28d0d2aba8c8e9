"""Shows scenes to a browser, and waits until a page is complete."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import WeakKeyDictionary

from playwright.async_api import Browser, Page

from archipelago.config import DEFAULT_UI
from support.stage.scenes import SCENES
from support.stage.stage import ORIGIN, Stage

UI = Path(os.environ.get("ARCHIPELAGO_UI", DEFAULT_UI))
SIZES = {"desktop": (1280, 860), "phone": (390, 844)}
SETTLED = 3_000
"""Milliseconds of the page's clock, which tests advance by hand."""
_QUIET = 0.1
"""Seconds without a request. Playwright's `networkidle` are 0.5 s, and only those after the page was loaded."""
_NOTHING_LEFT = "scheduler.postTask(() => {}, {priority: 'background'})"
"""A task of the page that comes after all others that it has."""


class Traffic:
    """What a tab asks for."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._open = 0
        self._changed = time.monotonic()
        page.on("request", lambda _: self._change(1))
        page.on("requestfinished", lambda _: self._change(-1))
        page.on("requestfailed", lambda _: self._change(-1))

    async def rests(self) -> None:
        """Return once the page has an answer to all that it asked for, and asks for no more after the last of them."""
        async with asyncio.timeout(30):
            while True:
                await self._page.evaluate(_NOTHING_LEFT)
                if not self._open and time.monotonic() - self._changed >= _QUIET:
                    return
                await asyncio.sleep(0.02)

    def _change(self, by: int) -> None:
        self._open += by
        self._changed = time.monotonic()


_TRAFFIC: WeakKeyDictionary[Page, Traffic] = WeakKeyDictionary()


@asynccontextmanager
async def staged(
    browser: Browser,
    scene: str,
    *,
    size: tuple[int, int] = SIZES["desktop"],
    theme: str = "light",
    language: str = "en",
    touch: bool = False,
    origin: str = ORIGIN,
) -> AsyncIterator[Page]:
    """Show a scene to a browser of that size, with the node at that address; every error in it fails the test."""
    async with on_stage(browser, scene, size=size, theme=theme, language=language, touch=touch, origin=origin) as (
        page,
        _,
    ):
        yield page


@asynccontextmanager
async def on_stage(
    browser: Browser,
    scene: str,
    *,
    size: tuple[int, int],
    theme: str,
    language: str,
    touch: bool = False,
    origin: str = ORIGIN,
) -> AsyncIterator[tuple[Page, Stage]]:
    """Show a scene as `staged` does, with the stage that answers it."""
    context = await browser.new_context(
        base_url=origin,
        viewport={"width": size[0], "height": size[1]},
        locale="en-GB",
        timezone_id="UTC",
        reduced_motion="reduce",
        service_workers="block",
        has_touch=touch,
        is_mobile=touch,
    )
    page = await context.new_page()
    _TRAFFIC[page] = Traffic(page)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    entered = scene not in {"login", "new"}
    stage = Stage(UI, SCENES[scene], theme=theme, language=language, entered=entered, origin=origin)
    await stage.attach(page)
    yield page, stage
    await context.close()
    assert not stage.missing, f"the scene has no answer to {sorted(stage.missing)}"
    assert errors == []


async def settle(page: Page, path: str) -> None:
    """Go to a page, and wait until nothing of it is still to come."""
    await page.goto(path)
    await page.locator("h1").first.wait_for()
    await settled(page)
    await page.evaluate("document.fonts.ready")


async def settled(page: Page) -> None:
    """Wait until nothing of what was asked for is still to come."""
    await _TRAFFIC[page].rests()
    await page.clock.run_for(SETTLED)
    # A worker draws the sea and its islands, in its own time.
    await page.wait_for_function("document.querySelectorAll('[aria-busy=true]').length === 0")
