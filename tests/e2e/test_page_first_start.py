"""The first start: password, recovery phrase, and what is asked once."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from support.harness import TestNode
from support.owner import home

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


async def test_the_first_start_shows_the_phrase_and_asks_it_back(page: Page, node: TestNode) -> None:
    await page.get_by_role("link", name="Continue later").click()
    await page.get_by_role("link", name="Go on").click()
    # Nothing is asked: the password was set a moment ago.
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
            await expect(page.get_by_role("alert")).to_contain_text("words are not right")
            assert "phrase" not in (await node.call("setup-status"))["done"]
    await expect(fields).to_have_count(0)
    assert (await node.call("setup-status"))["done"] == ["phrase"]
    await page.get_by_role("button", name="Do not ask again").click()
    await expect(home(page)).to_be_visible()
    await expect(page.get_by_role("link", name="Go on")).to_have_count(0)


@pytest.mark.parametrize("language", ["de", "es", "fr", "ja", "pt"])
async def test_no_word_of_another_language_is_left(browser: Browser, node: TestNode, language: str) -> None:
    made = await browser.new_context(base_url=f"http://localhost:{node.port}", locale=language)
    tab = await made.new_page()
    await tab.goto("/login")
    expected = {"de": "Anmelden", "es": "Entrar", "fr": "Se connecter", "pt": "Entrar", "ja": "ログイン"}[language]
    await expect(tab.locator("button.button-main")).to_have_text(expected)
    assert await tab.evaluate("document.documentElement.lang") == language
    await made.close()
