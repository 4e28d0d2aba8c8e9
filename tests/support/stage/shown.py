"""Shows scenes to a browser, and waits until a page is complete."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page

from archipelago.config import DEFAULT_UI
from support.stage.scenes import SCENES
from support.stage.stage import ORIGIN, Stage

UI = Path(os.environ.get("ARCHIPELAGO_UI", DEFAULT_UI))
SIZES = {"desktop": (1280, 860), "phone": (390, 844)}
SETTLED = 3_000
"""Milliseconds of the page's clock, which tests advance by hand."""


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
    if path == "/":
        await page.locator("svg path[d^=M]").first.wait_for(state="attached")
    await page.evaluate("document.fonts.ready")


async def settled(page: Page) -> None:
    """Wait until nothing of what was asked for is still to come."""
    await page.wait_for_load_state("networkidle")
    await page.clock.run_for(SETTLED)
    await page.wait_for_function("document.querySelectorAll('[aria-busy=true]').length === 0")
