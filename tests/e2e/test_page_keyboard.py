"""The page by keyboard alone: nothing is clicked, and only the keyboard moves the focus.

Each flow runs on a desktop in light and on a phone in dark; the one that changes the theme runs in all four. What an
owner does with a real node so is in `test_page_keyboard_of_owner.py`.
"""

import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Response, Route, expect

from support.keyboard import ALL_LOOKS, Look, each_look, press, search, tab_to
from support.stage.shown import settle

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300), pytest.mark.no_containers]

CONTENT = "#content"


async def answer(page: Page, method: str, **answers: Any) -> list[dict[str, Any]]:
    """Answer a method so, from now on; return what will be asked."""
    asked: list[dict[str, Any]] = []

    async def reply(route: Route) -> None:
        call = route.request.post_data_json or {}
        if call.get("method") != method:
            await route.fallback()
            return
        asked.append(call["params"])
        await route.fulfill(json={"jsonrpc": "2.0", "id": call["id"], **answers})

    await page.route("**/rpc/v1", reply)
    return asked


def is_install(response: Response) -> bool:
    """Tell whether it is an answer to the method that installs an app."""
    return "container-install" in (response.request.post_data or "")


@pytest.mark.parametrize("look", ALL_LOOKS, ids=lambda look: f"{look.size}-{look.theme}")
async def test_theme_and_language_are_chosen_and_the_session_is_ended(browser: Browser, look: Look) -> None:
    other = {"light": "dark", "dark": "light"}[look.theme]
    async with look.staged(browser, "calm") as page:
        await settle(page, "/")
        await page.clock.resume()
        button = page.get_by_role("button", name="Account of owner")
        account = page.get_by_role("dialog", name="Account of owner")
        await press(page, button)
        await press(page, account.get_by_role("button", name=other.capitalize()))
        await expect(page.locator("html")).to_have_attribute("data-theme", other)
        await press(page, account.get_by_role("combobox", name="Language"))
        await expect(page.get_by_role("option", name="English")).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await expect(page.get_by_role("option", name="Deutsch")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("html")).to_have_attribute("lang", "de")
        await tab_to(page, page.get_by_role("dialog").get_by_role("button", name="Abmelden"))
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await expect(page.get_by_role("button", name=re.compile("^Konto von owner")).first).to_be_focused()


DIALOGS = (
    ("/", "Help for this page"),
    ("/", "one thing needs attention"),
    ("/", "Search apps, settings, help"),
    ("/", "Arrange this page"),
    ("/apps/electrumx/danger", "Remove ElectrumX"),
    ("/store/btcpay", "Enlarge BTCPay Server: picture 1 of 3"),
    ("/system", "E-mail"),
)


@pytest.mark.parametrize(("path", "name"), DIALOGS)
@each_look
async def test_a_dialog_keeps_the_focus_and_gives_it_back(browser: Browser, path: str, name: str, look: Look) -> None:
    async with look.staged(browser, "trouble") as page:
        await settle(page, path)
        await page.clock.resume()
        button = page.get_by_role("button", name=re.compile("^" + name)).first
        await press(page, button)
        dialog = page.get_by_role("dialog").or_(page.get_by_role("alertdialog"))
        await expect(dialog).to_be_visible()
        for key in ("Tab", "Tab", "Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab"):
            await page.keyboard.press(key)
            assert await dialog.evaluate("one => one.contains(document.activeElement)"), "the focus has left the dialog"
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        await expect(button).to_be_focused()


@each_look
async def test_pictures_are_reached_and_turned_by_arrows(browser: Browser, look: Look) -> None:
    async with look.staged(browser, "calm") as page:
        await settle(page, "/store/btcpay")
        await page.clock.resume()
        pictures = page.get_by_role("button", name="Enlarge BTCPay Server: picture")
        await tab_to(page, pictures.last)
        await expect(pictures.last).to_be_in_viewport(ratio=0.95)
        await tab_to(page, pictures.first, key="Shift+Tab")
        await expect(pictures.first).to_be_in_viewport(ratio=0.95)
        await page.keyboard.press("Enter")
        title = page.get_by_role("dialog").get_by_role("heading")
        for key, number in (("ArrowRight", 2), ("ArrowRight", 3), ("ArrowRight", 1), ("ArrowLeft", 3)):
            await page.keyboard.press(key)
            await expect(title).to_have_text(f"BTCPay Server: picture {number} of 3")


@each_look
async def test_each_page_is_used_from_its_beginning(browser: Browser, look: Look) -> None:
    async with look.staged(browser, "calm") as page:
        await settle(page, "/apps/electrumx")
        await page.clock.resume()
        content = page.locator(CONTENT)
        used = page.get_by_role("region", name="Connected apps").get_by_role("link", name="Bitcoin Knots")
        await press(page, used)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Bitcoin Knots")
        await expect(content).to_be_focused()
        # A part of a page is none: one goes on where one is.
        logs = page.get_by_role("link", name="Logs", exact=True)
        await press(page, logs)
        await expect(page.get_by_role("log")).to_be_visible()
        await expect(logs).to_be_focused()
        await tab_to(page, page.get_by_role("button", name="Search apps, settings, help"), key="Shift+Tab")
        await search(page, "mempool", "Mempool")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Mempool")
        await expect(content).to_be_focused()
        await search(page, "store", "Store")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Store")
        await expect(content).to_be_focused()
        await press(page, page.get_by_role("button", name="Help for this page"))
        await press(page, page.get_by_role("dialog").get_by_role("link", name="Read more in the guide"))
        await expect(page).to_have_url(re.compile("/help/"))
        assert await page.evaluate(f"document.querySelector('{CONTENT}').contains(document.activeElement)")


@each_look
async def test_what_is_refused_can_be_pressed_again(browser: Browser, look: Look) -> None:
    async with look.staged(browser, "calm") as page:
        await settle(page, "/store/btcpay")
        await page.clock.resume()
        refusal = {"code": -32000, "message": "another app listens there", "data": {"name": "busy", "hint": ""}}
        asked = await answer(page, "container-install", error=refusal)
        install = page.get_by_role("button", name="Install", exact=True)
        await press(page, install)
        await expect(page.get_by_role("alert")).to_contain_text("another app listens there")
        await expect(install).to_be_focused()
        async with page.expect_response(is_install):  # the node is asked some time after the key
            await page.keyboard.press("Enter")
        await expect(install).to_be_focused()
        assert len(asked) == 2


@each_look
async def test_a_notice_is_hidden(browser: Browser, look: Look) -> None:
    async with look.staged(browser, "trouble") as page:
        await settle(page, "/")
        await page.clock.resume()
        await press(page, page.get_by_role("button", name="one thing needs attention").first)
        panel = page.get_by_role("dialog", name="Notices")
        more = panel.get_by_role("button", name="More for")
        await press(page, more)
        line = page.get_by_role("menuitem", name="Hide it until it changes")
        await expect(page.get_by_role("menu")).to_be_visible()
        asked = await answer(page, "node-notice-hide", result=None)
        await answer(page, "node-notices", result=[])
        await tab_to(page, line, key="ArrowDown")
        await page.keyboard.press("Enter")
        await expect(more).to_have_count(0)
        assert len(asked) == 1
        assert await panel.evaluate("one => one.contains(document.activeElement)")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name="nothing needs attention")).to_be_focused()


@each_look
async def test_each_step_of_the_set_up_is_used_from_its_heading(browser: Browser, look: Look) -> None:
    async with look.staged(browser, "setup") as page:
        await settle(page, "/welcome")
        await page.clock.resume()
        for button, step in (("Next", "Reach"), ("Next", "First apps"), ("Back", "Reach"), ("Back", "Network")):
            await press(page, page.get_by_role("button", name=button, exact=True))
            await expect(page.get_by_role("heading", level=2, name=step)).to_be_focused()


@each_look
async def test_a_terminal_is_left_as_it_says(browser: Browser, look: Look) -> None:
    async with look.staged(browser, "calm") as page:
        await page.route_web_socket("**/terminal?*", lambda socket: socket.on_message(lambda message: None))
        await settle(page, "/apps/electrumx/terminal")
        await page.clock.resume()
        screen = page.get_by_role("textbox", name="Terminal input")
        await expect(screen).to_be_focused()
        await page.keyboard.press("Tab")
        await expect(screen).to_be_focused()
        await page.keyboard.press("Shift+Tab")
        await expect(screen).not_to_be_focused()


@each_look
async def test_home_says_how_the_node_is_before_it_names_the_apps(browser: Browser, look: Look) -> None:
    async with look.staged(browser, "trouble") as page:
        await settle(page, "/")
        await page.clock.resume()
        for button in ("Show as a list", "Show as a map"):
            read = await page.locator(CONTENT).aria_snapshot()
            parts = ("heading", "Help for this page", f'button "{button}"', 'link "Bitcoin Knots,')
            places = [read.index(part) for part in parts]
            assert places == sorted(places), read
            await press(page, page.get_by_role("button", name=button))
        await settle(page, "/apps")
        await expect(page.get_by_role("heading", level=1, name="Apps", exact=True)).to_be_visible()
