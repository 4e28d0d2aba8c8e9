"""The page of the design system is for developers: what a node serves neither shows it nor has a byte of it."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from support.stage.shown import UI, settle, staged

pytestmark = pytest.mark.no_containers

PAGE = Path(__file__).resolve().parents[2] / "neode-ui" / "src" / "design" / "page"
MARKS = ("The design system", "Over the page", "Something lost for good", "design-swatch", "design-columns")


def test_what_is_built_has_nothing_of_it() -> None:
    sources = "".join(path.read_text() for path in PAGE.iterdir())
    built = "".join(path.read_text() for path in UI.rglob("*") if path.suffix in {".js", ".css", ".html"})
    assert [mark for mark in MARKS if mark not in sources] == []
    assert [mark for mark in MARKS if mark in built] == []


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.timeout(120)
async def test_its_address_leads_home(browser: Browser) -> None:
    async with staged(browser, "calm") as page:
        await settle(page, "/design")
        await expect(page).to_have_url(re.compile(":8480/$"))
        await expect(page.get_by_text("The design system")).to_have_count(0)
