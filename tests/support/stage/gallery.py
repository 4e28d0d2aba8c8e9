"""Shows one view of a scene after the other in the same tab, since loads take longest."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from playwright.async_api import Browser, Page

from support.stage.shown import SIZES, begin_anew, on_stage, require_no_errors, settle
from support.stage.stage import Stage
from support.stage.states import State


@dataclass(frozen=True, slots=True)
class Shown:
    """What a tab shows."""

    page: Page
    scene: str


class Gallery:
    """Shows views of a scene in one tab, each loaded anew. What a failed test leaves behind, nobody else is shown."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._open = AsyncExitStack()
        self._shown: Shown | None = None

    async def close(self) -> None:
        """Close the tab."""
        self._shown = None
        await self._open.aclose()

    @asynccontextmanager
    async def view(self, scene: str, path: str, *, size: str, theme: Literal["light", "dark"]) -> AsyncIterator[Page]:
        """Show a view as a browser of that size and theme does."""
        there, self._shown = self._shown, None
        page = await self._empty_page(scene) if there is None or there.scene != scene else there.page
        width, height = SIZES[size]
        await begin_anew(page)
        await page.set_viewport_size({"width": width, "height": height})
        await page.emulate_media(color_scheme=theme)
        await settle(page, path)
        yield page
        require_no_errors(page)
        self._shown = Shown(page, scene)

    async def _empty_page(self, scene: str) -> Page:
        await self._open.aclose()
        shown = on_stage(self._browser, scene, size=SIZES["desktop"], theme="auto", language="en")
        page, _ = await self._open.enter_async_context(shown)
        return page

    @asynccontextmanager
    async def state(self, state: State) -> AsyncIterator[tuple[Page, Stage]]:
        """Show the scene of a state, in a tab of its own."""
        await self.close()
        size = SIZES[state.size]
        shown = on_stage(self._browser, state.scene, size=size, theme=state.theme, language=state.language)
        async with shown as (page, stage):
            yield page, stage
