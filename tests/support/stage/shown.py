"""Shows scenes to a browser, and waits until a page is complete."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import pytest
from playwright.async_api import Browser, Page, Route, WebSocket

from archipelago.config import DEFAULT_UI
from support.stage.house import Profile, house_of
from support.stage.scene import NOW
from support.stage.scenes import SCENES
from support.stage.server import EMPTY, ORIGIN
from support.stage.stage import Stage

UI = Path(os.environ.get("ARCHIPELAGO_UI", DEFAULT_UI))
SIZES = {"desktop": (1280, 860), "phone": (390, 844)}
SETTLED = 3_000
"""Milliseconds of the page's clock, which tests advance by hand."""
_QUIET = 0.1
"""Seconds without a request, in which a script that has come is made ready, beside the page. Playwright's `networkidle`
are 0.5 s, and only those after the page was loaded."""
_SLOWER = 2
"""How often as long as to look takes, at the least: on a busy machine what a script asks for comes later as well."""
_PATIENCE = 60
"""Seconds that a page has to be complete."""
_BUSY = "[aria-busy=true]"
_DRAWN = f"""async () => {{
  // What has come into sight is told with a frame; the clock of the page, which stands still, has none.
  const frame = () => new Promise((seen) =>
    new IntersectionObserver((_, one) => (one.disconnect(), seen())).observe(document.documentElement))
  do {{
    await frame()
    await scheduler.postTask(() => {{}}, {{ priority: 'background' }})
    await Promise.all([...document.images].map((one) => one.decode().catch(() => undefined)))
    await document.fonts.ready
  }} while (document.querySelector('{_BUSY}'))
}}"""
"""Waits until all that the page has is drawn. What a worker draws, icons, pictures and letters come in their own time,
and ask for one another: an icon of the map is asked for once its island is there."""


class Traffic:
    """What a tab asks for."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._open = 0
        self._changed = time.monotonic()
        page.on("request", lambda _: self._change(1))
        page.on("requestfinished", lambda _: self._change(-1))
        page.on("requestfailed", lambda _: self._change(-1))
        page.on("websocket", self._follow)

    async def rests(self) -> None:
        """Return once the page has drawn the answers to all that it asked for, and has asked for nothing meanwhile."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while not await self._is_drawn():
                    await asyncio.sleep(_QUIET / 2)  # nobody tells that nothing more is asked for
        except TimeoutError:
            busy = await self._page.locator(_BUSY).evaluate_all("all => all.map(one => one.outerHTML.slice(0, 300))")
            pytest.fail(f"the page is not complete: {self._open} requests have no answer, and it is busy with {busy}")

    async def _is_drawn(self) -> bool:
        began, looked = self._changed, time.monotonic()
        await self._page.evaluate(_DRAWN)
        now = time.monotonic()
        quiet = max(_QUIET, _SLOWER * (now - looked))
        return not self._open and self._changed == began and now - began >= quiet

    def _follow(self, socket: WebSocket) -> None:
        for event in ("framesent", "framereceived", "close"):
            socket.on(event, lambda _: self._change(0))
        self._change(0)

    def _change(self, by: int) -> None:
        self._open += by
        self._changed = time.monotonic()


_TRAFFIC: WeakKeyDictionary[Page, Traffic] = WeakKeyDictionary()
_TROUBLE: WeakKeyDictionary[Page, tuple[Stage, list[str]]] = WeakKeyDictionary()


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
    house, errors = house_of(browser), list[str]()
    stage = Stage(UI, SCENES[scene], theme=theme, language=language, entered=scene not in {"login", "new"})
    async with house.server.showing(stage), house.tab(Profile(origin, touch)) as page:
        _TRAFFIC[page], _TROUBLE[page] = Traffic(page), (stage, errors)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.set_viewport_size({"width": size[0], "height": size[1]})
        await stop_clock(page)
        await page.add_init_script(stage.memory)
        if origin != ORIGIN:
            await show_elsewhere(page, stage)
        yield page, stage
        require_no_errors(page)


def require_no_errors(page: Page) -> None:
    """Require that there was no error on a page, and that its scene had an answer to everything."""
    stage, errors = _TROUBLE[page]
    assert not stage.missing, f"the scene has no answer to {sorted(stage.missing)}"
    assert not errors, errors


async def stop_clock(page: Page) -> None:
    """Stop the clock of a page that is empty."""
    await page.clock.install(time=NOW - timedelta(hours=1))
    await page.clock.pause_at(NOW)


async def begin_anew(page: Page) -> None:
    """Forget what a page has kept, and set its clock back."""
    await page.goto(EMPTY)
    await page.evaluate("localStorage.clear()")
    await stop_clock(page)


async def show_elsewhere(page: Page, stage: Stage) -> None:
    """Show a stage at an address of which nobody has the certificate; its WebSockets stay silent."""

    async def answer(route: Route) -> None:
        asked = route.request
        reply = stage.reply(urlsplit(asked.url).path, asked.post_data or "", fetched=asked.resource_type == "fetch")
        assert reply is not None, "it is reachable"
        await route.fulfill(body=reply.body, status=reply.status, headers=reply.headers)

    await page.route("**/*", answer)
    await page.route_web_socket("**/ws/v1", lambda socket: None)


async def settle(page: Page, path: str) -> None:
    """Go to a page, and wait until nothing of it is still to come."""
    await page.goto(path)
    await page.locator("h1").first.wait_for()
    await settled(page)


async def settled(page: Page) -> None:
    """Wait until nothing is still to come: neither of what is there, nor of what comes of it a little later."""
    await _TRAFFIC[page].rests()
    await page.clock.run_for(SETTLED)
    await _TRAFFIC[page].rests()
