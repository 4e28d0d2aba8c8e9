"""Bad input and bad luck: the node away, slow, newer, begun anew; values and names that are hostile."""

import re
import shutil
import signal
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from support.harness import TestNode
from support.owner import begun, with_ship
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


async def test_an_option_of_a_megabyte_is_refused_and_kept(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps/ship/settings")
    await page.get_by_label("Sails").evaluate(
        "field => { field.value = '9'.repeat(1 << 20); field.dispatchEvent(new Event('input')); }"
    )
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    assert len(await page.get_by_label("Sails").input_value()) == 1 << 20
    await page.get_by_role("button", name="Discard").click()
    await expect(page.get_by_label("Sails")).to_have_value(re.compile(r"^\d$"))


async def test_the_page_says_when_the_node_is_away_and_comes_back(page: Page, node: TestNode) -> None:
    banner = page.get_by_text("The node cannot be reached")
    await expect(banner).to_have_count(0)
    node.kill()
    await expect(banner).to_be_visible()
    await node.start()
    await expect(banner).to_have_count(0, timeout=120_000)


async def test_an_address_that_is_opened_meanwhile_says_so_as_well(page: Page, node: TestNode) -> None:
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    node.kill()
    await page.goto("/apps")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your node is not reachable")
    await node.start()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Apps", timeout=120_000)


async def test_a_slow_node_is_said_to_be_slow(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps/ship")
    await page.get_by_role("button", name="Actions for ship").click()
    assert node.process is not None
    node.process.send_signal(signal.SIGSTOP)
    try:
        await page.get_by_role("menuitem", name="Restart").click()
        await expect(page.get_by_text("slow to answer")).to_be_visible()
    finally:
        node.process.send_signal(signal.SIGCONT)
    await expect(page.get_by_text("slow to answer")).to_have_count(0)
    # What was asked for is done all the same; until it is, no other test has its app.
    await node.done(await begun(node, "ship", "restart"))


async def test_a_newer_page_is_offered_and_nothing_typed_is_lost(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    await page.goto("/apps/ship/settings")
    await page.get_by_label("Sails").fill("8")
    put_newer_page(Path(node.environment["ARCHIPELAGO_UI"]))
    node.kill()
    await node.start()
    offer = page.get_by_text("The node serves a newer page")
    await expect(offer).to_be_visible(timeout=120_000)
    await expect(page.get_by_label("Sails")).to_have_value("8")
    await page.get_by_role("button", name="Discard").click()
    await page.get_by_role("button", name="Load it").click()
    await expect(page.get_by_label("Sails")).to_be_visible()
    await expect(offer).to_have_count(0)


def put_newer_page(built: Path) -> None:
    """Have all parts of the page be named otherwise, as in another build; what is compressed goes."""
    for path in (*built.rglob("*.br"), *built.rglob("*.gz")):
        path.unlink()
    parts = sorted((built / "assets").iterdir())
    names = re.compile("|".join(re.escape(path.name) for path in parts).encode())
    for path in (built / "index.html", *parts):
        path.write_bytes(names.sub(lambda name: b"newer-" + name[0], path.read_bytes()))
    for path in parts:
        path.rename(path.with_name(f"newer-{path.name}"))


async def test_the_node_begins_anew_from_the_page(page: Page, node: TestNode) -> None:
    await with_ship(page, node)
    since = (await node.call("container-status", app="ship"))["containers"][0]["started_at"]
    before = (await node.call("system-info"))["uptime"]
    await page.goto("/system")
    await page.get_by_role("button", name="Restart Archipelago").click()
    dialog = page.get_by_role("alertdialog")
    await dialog.get_by_role("button", name="Cancel").click()
    assert (await node.call("system-info"))["uptime"] >= before
    await page.get_by_role("button", name="Restart Archipelago").click()
    await dialog.get_by_role("button", name="Restart Archipelago").click()
    said = page.get_by_text("This page comes back by itself.")
    await expect(said).to_be_visible()
    await expect(said).to_have_count(0, timeout=120_000)
    assert (await node.until("ship", "healthy"))["containers"][0]["started_at"] == since


async def test_hostile_names_are_text(page: Page, node: TestNode) -> None:
    assert node.apps is not None
    write_app(node.apps, "siren")
    manifest = node.apps / "siren" / "manifest.yml"
    name = "<img src=x onerror=alert(1)>{{7*7}}"
    manifest.write_text(manifest.read_text().replace("name: siren", f"name: '{name}'"))
    await page.goto("/store")
    await expect(page.get_by_role("heading", name=name)).to_be_visible()
    await page.goto("/store/siren")
    await expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    assert await page.locator("img[src=x]").count() == 0
    await page.goto("/store/%3Cimg%20src%3Dx%3E")
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.goto("/apps/..%2F..%2Fetc")
    await expect(page.get_by_role("alert")).to_be_visible()
    shutil.rmtree(manifest.parent)
