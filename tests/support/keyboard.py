"""The page by keyboard alone: what its tests do, and how the page looks meanwhile."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from support.stage.shown import SIZES, staged

FAR = 80
"""Presses of Tab after which a place counts as out of reach."""


@dataclass(frozen=True, slots=True)
class Look:
    """A window, and the theme of the page in it."""

    size: str
    theme: str

    def staged(self, browser: Browser, scene: str) -> AbstractAsyncContextManager[Page]:
        """Show a scene so."""
        return staged(browser, scene, size=SIZES[self.size], theme=self.theme)


LOOKS = (Look("desktop", "light"), Look("phone", "dark"))
ALL_LOOKS = (*LOOKS, Look("desktop", "dark"), Look("phone", "light"))
each_look = pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look.size}-{look.theme}")


async def tab_to(page: Page, wanted: Locator, *, key: str = "Tab") -> None:
    """Press a key until what is wanted has the focus."""
    await expect(wanted).to_be_visible()
    place = await wanted.element_handle()
    for _ in range(FAR):
        await page.keyboard.press(key)
        reached = await place.evaluate("one => one.isConnected ? one === document.activeElement : null")
        if reached is None:  # it was drawn again meanwhile
            place = await wanted.element_handle()
            reached = await place.evaluate("one => one === document.activeElement")
        if reached:
            return
    pytest.fail(f"{wanted} is not reached by {key}")


async def press(page: Page, wanted: Locator, *, key: str = "Enter") -> None:
    """Go to something, and press it."""
    await tab_to(page, wanted)
    await page.keyboard.press(key)


async def search(page: Page, text: str, name: str) -> None:
    """Choose what a search finds."""
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("dialog").get_by_label("Search", exact=True)).to_be_focused()
    await page.keyboard.type(text)
    await expect(page.get_by_role("option").first).to_contain_text(name)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_have_count(0)
