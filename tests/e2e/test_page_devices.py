"""The page with fixed data on a phone, on another computer of the network, and for those who see no colours."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, expect

from support.stage.players import HOST
from support.stage.shown import settle, staged

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300), pytest.mark.no_containers]

SMALL = """() => [...document.querySelectorAll('a, button, input, select, textarea, summary')].flatMap(one => {
  const target = one.closest('label') ?? one, own = getComputedStyle(one), after = getComputedStyle(one, '::after')
  const box = target.getBoundingClientRect()
  if (!box.width || own.visibility === 'hidden' || one.closest('.sr-only')) return []
  // A link within a sentence is as high as its line.
  const inSentence = one.parentElement.innerText.length > one.innerText.length
  if (own.display === 'inline' && after.content === 'none' && inSentence) return []
  const grown = after.content === 'none' ? [0, 0] : [parseFloat(after.width) || 0, parseFloat(after.height) || 0]
  const [width, height] = [Math.max(box.width, grown[0]), Math.max(box.height, grown[1])]
  return width < 43.5 || height < 43.5 ? [`${one.outerHTML.slice(0, 200)} ${width} x ${height}`] : []
})"""
"""What a finger has less than 44 px of place for, half a pixel aside; with what `::after` adds to it."""
PHONE_VIEWS = (
    *("/", "/apps", "/store", "/operations", "/security", "/system", "/system/trust", "/store/btcpay"),
    *(f"/apps/electrumx/{tab}" for tab in ("overview", "activity", "logs", "access", "security", "danger")),
    "/apps/bitcoin-knots/settings",
)


@pytest.mark.parametrize("path", PHONE_VIEWS)
async def test_a_finger_has_place_on_everything(browser: Browser, path: str) -> None:
    async with staged(browser, "calm", size=(320, 640), touch=True) as page:
        await settle(page, path)
        assert await page.evaluate("matchMedia('(pointer: coarse)').matches")
        assert await page.evaluate(SMALL) == []


async def test_a_browser_of_the_network_is_sent_to_the_node_and_never_to_itself(browser: Browser) -> None:
    async with staged(browser, "calm", origin=f"https://{HOST}:8480") as page:
        for path in ("/", "/apps", "/store", "/store/lnbits", "/apps/mempool", "/apps/mempool/access"):
            await settle(page, path)
            leads = await page.locator("a[target=_blank]").evaluate_all("all => all.map(one => one.href)")
            hosts = {urlsplit(one).hostname for one in leads}
            assert HOST in hosts and not hosts & {"127.0.0.1", "localhost"}, f"{path}: {leads}"


async def test_curves_and_health_differ_by_more_than_colours(browser: Browser) -> None:
    async with staged(browser, "calm") as page:
        await settle(page, "/apps/electrumx/activity")
        legend = page.get_by_role("heading", name=re.compile("^Network")).locator("span[aria-hidden]")
        await expect(legend).to_have_count(2)
        styles = await legend.evaluate_all("all => all.map(one => getComputedStyle(one).borderTopStyle)")
        assert styles == ["solid", "dashed"]
        strip = page.get_by_role("img", name="Health of the last 24 hours").locator("span")
        parts = await strip.evaluate_all("all => all.map(one => [one.title, one.getBoundingClientRect().height])")
        heights = {state: {height for name, height in parts if name == state} for state, _ in parts}
        assert max(heights.pop("Running")) < min(min(each) for each in heights.values()), parts
