"""Pictures of the project's apps for the store, of what really runs; `make app-screenshots` puts them in place."""

import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from archipelago.container.manifest.screenshots import MAX_BYTES
from support.app_visit import visiting
from support.harness import TestNode

MADE = os.environ.get("ARCHIPELAGO_APP_SCREENSHOTS")
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(1800),
    pytest.mark.skipif(MADE is None, reason="make app-screenshots asks for them"),
]

SIZE = {"width": 1280, "height": 800}
VIEWS = {
    "specter": {"1-wallet": "/wallets/new_wallet/", "2-devices": "/devices/new_device_type/"},
    "explorer": {"1-blocks": "/", "2-block": "/block/111", "3-mempool": "/mempool"},
    "datum-gateway": {"1-page": "/"},
    "searxng": {"1-page": "/"},
}
"""Addresses of an app's page by the picture's name. None of them may show a password, also not one of a test."""

CLI = ("bitcoin-cli", "-regtest")
WALLET = (*CLI, "-rpcwallet=miner")


async def prepared(node: TestNode, app: str) -> dict[str, str]:
    """Have a chain with payments for what shows one; return the options that the app needs."""
    if "bitcoin-knots" not in {each["app"] for each in await node.call("container-list")}:
        await node.install("bitcoin-knots", options={"network": "regtest"})
        await node.execute("bitcoin-knots", *CLI, "-named", "createwallet", "wallet_name=miner", "load_on_startup=true")
        await node.execute("bitcoin-knots", *WALLET, "-generate", "110")
    address = (await node.execute("bitcoin-knots", *WALLET, "getnewaddress", "", "legacy")).strip()
    if app == "explorer":
        for amount in range(1, 9):
            await node.execute("bitcoin-knots", *WALLET, "sendtoaddress", address, f"0.{amount}{amount}")
            if amount == 5:
                await node.execute("bitcoin-knots", *WALLET, "-generate", "1")
    return {"payout_address": address} if app == "datum-gateway" else {}


@pytest.mark.parametrize("app", VIEWS)
async def test_pictures_are_taken_of_what_runs(browser: Browser, node: TestNode, app: str) -> None:
    assert MADE is not None
    await node.install(app, options=await prepared(node, app))
    status = await node.until(app, "healthy")
    page = next(each for each in status["endpoints"] if each["kind"] == "ui")
    address = str(page["site"]).rstrip("/")
    folder = Path(MADE) / app
    folder.mkdir()
    context = await browser.new_context(viewport=SIZE, locale="en-GB", timezone_id="UTC")
    try:
        if page["behind_login"]:
            async with visiting(node, address) as visit:
                await context.add_cookies([{**visit.kept, "url": address}])
        tab = await context.new_page()
        for name, path in VIEWS[app].items():
            answer = await tab.goto(address + path)
            assert answer is not None and answer.ok, f"{path}: {answer and answer.status}"
            await expect(tab.locator("body")).not_to_be_empty()
            await tab.wait_for_load_state("networkidle")
            picture = await tab.screenshot(path=folder / f"{name}.png", animations="disabled")
            assert len(picture) <= MAX_BYTES, f"{name} is too large for the store"
    finally:
        await context.close()
