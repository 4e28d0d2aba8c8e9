"""What an owner does with an app, by keyboard alone, on a real node: nothing is clicked."""

import re

import pytest
from playwright.async_api import Page, expect

from support.harness import TestNode
from support.keyboard import Look, each_look, press, search, tab_to
from support.owner import PASSWORD, begun, home
from support.stage.shown import SIZES
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


@each_look
async def test_an_app_is_installed_changed_stopped_and_removed(page: Page, node: TestNode, look: Look) -> None:
    assert node.apps is not None
    width, height = SIZES[look.size]
    await page.set_viewport_size({"width": width, "height": height})
    await page.emulate_media(color_scheme="dark" if look.theme == "dark" else "light")
    app = f"dory-{look.size}"
    oars = "options: {oars: {type: int, label: Oars, default: 2, minimum: 1, maximum: 4}}\n"
    write_app(node.apps, app, more=oars)
    await page.goto("/")
    await press(page, page.get_by_role("button", name="Account of owner").first)
    await press(page, page.get_by_role("dialog").get_by_role("button", name="Log out"))
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    await tab_to(page, page.get_by_label("Password", exact=True))
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(home(page).or_(page.get_by_role("heading", name="Set up your node"))).to_be_visible()
    await page.goto("/")
    await expect(home(page)).to_be_visible()

    await search(page, app, app)
    await press(page, page.get_by_role("button", name="Install", exact=True))
    await expect(page.get_by_text(f"{app} is installed.")).to_be_visible(timeout=120_000)
    await press(page, page.get_by_role("link", name=f"Go to {app}"))
    await expect(page.get_by_role("heading", level=1, name=app)).to_be_visible()
    await press(page, page.get_by_role("link", name="Settings", exact=True))
    await tab_to(page, page.get_by_label("Oars"))
    await page.keyboard.press("Control+a")
    await page.keyboard.type("4")
    await press(page, page.get_by_role("button", name="Apply"))
    await expect(page.get_by_text("set by you")).to_be_visible()
    assert (await node.call("container-status", app=app))["options"] == {"oars": 4}

    await press(page, page.get_by_role("button", name=f"Actions for {app}"))
    await tab_to(page, page.get_by_role("menuitem", name="Stop", exact=True), key="ArrowDown")
    await page.keyboard.press("Enter")
    await node.done(await begun(node, app, "stop"))
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()
    await press(page, page.get_by_role("link", name="More", exact=True))
    await press(page, page.get_by_role("link", name=re.compile("^Remove")))
    await press(page, page.get_by_role("button", name=f"Remove {app}"))
    dialog = page.get_by_role("alertdialog")
    await press(page, dialog.get_by_role("switch", name="Delete its data too"), key="Space")
    await tab_to(page, dialog.get_by_role("textbox"))
    await page.keyboard.type(app)
    await press(page, dialog.get_by_role("button", name=f"Remove {app}"))
    removal = page.locator("li.card", has=page.get_by_role("heading", name=f"Remove {app}"))
    await expect(removal).to_contain_text("Done")
    assert app not in {each["app"] for each in await node.call("container-list")}
