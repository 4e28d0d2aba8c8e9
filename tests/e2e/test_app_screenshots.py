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
VIEWS = {"specter": {"1-wallet": "/wallets/new_wallet/", "2-devices": "/devices/new_device_type/"}}
"""Addresses of an app's page by the picture's name. None of them may show a password, also not one of a test."""


@pytest.mark.parametrize("app", VIEWS)
async def test_pictures_are_taken_of_what_runs(browser: Browser, node: TestNode, app: str) -> None:
    assert MADE is not None
    if "bitcoin-knots" not in {each["app"] for each in await node.call("container-list")}:
        await node.install("bitcoin-knots", options={"network": "regtest"})
    await node.install(app)
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
