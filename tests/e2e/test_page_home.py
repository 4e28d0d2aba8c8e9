"""Home with fixed data: the map and its menu, its list, the search, and how an account arranges it."""

import re
from dataclasses import replace
from typing import Literal

import pytest
from playwright.async_api import Browser, expect

from support.stage.shown import SIZES, on_stage, settle, staged

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300), pytest.mark.no_containers]

LABELS = "all => all.map(one => one.ariaLabel)"


async def test_an_app_of_the_map_has_a_menu_by_mouse_and_by_keyboard(browser: Browser) -> None:
    async with staged(browser, "calm") as page:
        await settle(page, "/")
        await page.clock.resume()
        pin = page.get_by_role("region", name="Your apps and what they use").get_by_role(
            "link", name=re.compile("^Mempool")
        )
        menu = page.get_by_role("menu")
        await pin.click(button="right")
        await expect(menu.get_by_role("menuitem", name="Restart")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(menu).to_have_count(0)
        await expect(pin).to_be_focused()
        await page.keyboard.press("Shift+F10")
        await expect(menu.get_by_role("menuitem", name="Logs")).to_be_visible()
        await menu.get_by_role("menuitem", name="Details").click()
        await expect(page).to_have_url(re.compile("/apps/mempool$"))


@pytest.mark.parametrize("size", SIZES)
async def test_an_app_keeps_its_place_on_the_map_while_others_come_and_go(browser: Browser, size: str) -> None:
    async with on_stage(browser, "calm", size=SIZES[size], theme="light", language="en") as (page, stage):
        whole = stage.scene

        async def places(count: int) -> dict[str, str]:
            """Return where each app is, on a new visit to a node with so many of them."""
            stage.scene = replace(whole, apps=whole.apps[-count:])
            await settle(page, "/")
            pins = page.get_by_role("region", name="Your apps and what they use").get_by_role("listitem")
            await expect(pins).to_have_count(count)
            found = await pins.evaluate_all(
                "all => all.map(one => [one.querySelector('a').pathname, one.getAttribute('style')])"
            )
            return dict(found)

        few = await places(4)
        more = await places(len(whole.apps))
        assert {app: more[app] for app in few} == few
        assert await places(4) == few


async def test_the_map_is_a_list_as_well_and_says_the_same(browser: Browser) -> None:
    async with staged(browser, "trouble", size=SIZES["phone"]) as page:
        await settle(page, "/")
        await page.clock.resume()
        region = page.get_by_role("region", name="Your apps and what they use")
        apps = region.get_by_role("listitem").get_by_role("link")
        names = await apps.evaluate_all(LABELS)
        assert any(name.startswith("Mempool, Failed, uses ") for name in names), names
        await region.get_by_role("button", name="Show as a list").click()
        await expect(region.get_by_role("button", name="Show as a map")).to_be_visible()
        assert sorted(await apps.evaluate_all(LABELS)) == sorted(names)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Mempool does not work.")


async def test_everything_is_found_by_keyboard_alone(browser: Browser) -> None:
    async with staged(browser, "calm") as page:
        await settle(page, "/")
        await page.clock.resume()
        await page.keyboard.press("Control+k")
        field = page.get_by_role("dialog").get_by_label("Search", exact=True)
        await expect(field).to_be_focused()
        await page.keyboard.type("recovery wrds")
        await expect(page.get_by_role("option", name=re.compile("Recovery words")).first).to_be_visible()
        await page.keyboard.press("Control+a")
        await page.keyboard.type("electrumx")
        await expect(page.get_by_role("option").first).to_contain_text("ElectrumX")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile("/apps/electrumx$"))


async def test_cards_are_hidden_and_apps_put_first(browser: Browser) -> None:
    async with staged(browser, "calm") as page:
        await settle(page, "/")
        await page.clock.resume()
        safety, apps = (page.get_by_role("region", name=name, exact=True) for name in ("Safety", "Apps"))
        sheet = page.get_by_role("dialog", name="Arrange Home")

        async def arrange(role: Literal["button", "switch"], name: str) -> None:
            await page.get_by_role("button", name="Arrange this page").click()
            await sheet.get_by_role(role, name=name).click()
            await sheet.get_by_role("button", name="Done").click()
            await expect(sheet).to_have_count(0)

        await expect(apps.get_by_role("listitem").first).to_contain_text("Bitcoin Knots")
        await arrange("button", "Put Tor first")
        await expect(apps.get_by_role("listitem").first).to_contain_text("Tor")
        await arrange("switch", "Show Safety")
        await expect(apps).to_be_visible()
        await expect(safety).to_have_count(0)
        await arrange("button", "Back to the default")
        await expect(safety).to_be_visible()


async def test_what_belongs_to_the_account_is_there_with_the_first_click(browser: Browser) -> None:
    async with staged(browser, "calm") as page:
        await settle(page, "/")
        await page.clock.resume()
        await page.get_by_role("button", name="Account of owner").click()
        account = page.get_by_role("dialog", name="Account of owner")
        await account.get_by_role("button", name="Dark").click()
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        await page.keyboard.press("Escape")
        await expect(account).to_have_count(0)
