"""The login page with fixed data."""

import pytest
from playwright.async_api import Browser, expect

from support.stage.shown import settle, staged

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300), pytest.mark.no_containers]


async def test_only_a_new_password_loads_what_judges_passwords(browser: Browser) -> None:
    loaded: dict[str, list[str]] = {"login": [], "new": []}
    for scene, asked in loaded.items():
        async with staged(browser, scene) as page:
            await settle(page, "/login")
            await page.clock.resume()
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            await page.get_by_label("Password", exact=True).fill("orbit lantern mossy cardigan")
            await page.get_by_role("button", name="Show what is typed").click()
            await expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
            if scene == "new":
                await expect(page.get_by_text("Very strong.")).to_be_visible()
    assert loaded["login"] == []
    assert loaded["new"]
