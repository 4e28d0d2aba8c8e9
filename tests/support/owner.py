"""What an owner does on the page before a test starts."""

import asyncio
import re
from typing import Any

from playwright.async_api import Locator, Page, expect

from support.harness import TestNode

PASSWORD = "correct horse battery staple"


def home(tab: Page) -> Locator:
    """Return what only Home shows."""
    return tab.get_by_role("region", name="Your apps and what they use")


def inside(tab: Page) -> Locator:
    """Return what is shown once somebody has logged in: Home, or the first time the set-up."""
    return home(tab).or_(tab.get_by_role("heading", name="Set up your node"))


async def enter(tab: Page, node: TestNode) -> None:
    """Log in; the first time, set the owner's password with the code of the console."""
    await tab.goto("/")
    await expect(tab.locator("h1")).to_be_visible()
    if "/login" not in tab.url:
        return
    if await tab.get_by_label("Set-up code").count():
        async with asyncio.timeout(60):
            while not (found := re.search(r"with the code\s+([a-z2-7-]+)", node.log())):
                await asyncio.sleep(0.05)  # the console is a file here, and tells nobody
        await tab.get_by_label("Set-up code").fill(found[1])
    await tab.get_by_label("Password").fill(PASSWORD)
    await tab.locator("form button.button-main").click()
    await expect(inside(tab)).to_be_visible()


async def log_out(tab: Page) -> None:
    """Choose to log out, in what belongs to the account."""
    await tab.get_by_role("button", name="Account of ").first.click()
    await tab.get_by_role("button", name="Log out", exact=True).click()


async def show_password(tab: Page) -> None:
    """Show the password once more, as the node requires after the page was reloaded."""
    dialog = tab.get_by_role("dialog", name="Confirm that it is you")
    await dialog.get_by_label("Password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Confirm").click()
    await expect(dialog).to_have_count(0)


async def until_installed(tab: Page) -> None:
    """Install the ship with what it needs, through the plan, unless it is there."""
    await tab.goto("/store/ship")
    await expect(tab.get_by_role("heading", name="ship", level=1)).to_be_visible()
    await expect(tab.get_by_text("anchor 1.0")).to_be_visible()
    await tab.get_by_role("button", name="Install").click()
    await expect(tab.get_by_text("ship is installed.")).to_be_visible(timeout=120_000)


async def with_ship(tab: Page, node: TestNode) -> None:
    """Have the ship installed and running."""
    apps = {each["app"]: each for each in await node.call("container-list")}
    if "ship" not in apps:
        await until_installed(tab)
    elif apps["ship"]["desired"] == "stopped":
        await node.done(await node.call("container-start", app="ship"))
    await node.until("ship", "healthy")


async def begun(node: TestNode, app: str, kind: str) -> dict[str, Any]:
    """Return the newest operation on an app, once it is of this kind: the node hears of a button a moment later."""
    async with asyncio.timeout(60):
        while True:
            for newest in await node.call("operation-list", app=app, limit=1):
                if newest["kind"] == kind:
                    return dict(newest)
            await asyncio.sleep(0.05)  # an operation that nobody knows of yet cannot be waited for


async def with_knots(node: TestNode) -> None:
    """Have a chain to look at."""
    if "bitcoin-knots" not in {each["app"] for each in await node.call("container-list")}:
        await node.install("bitcoin-knots", options={"network": "regtest"})
    await node.until("bitcoin-knots", "healthy")
