"""Logs on the page: live, held, searched, saved, and hostile."""

import asyncio
import re

import pytest
from playwright.async_api import Page, expect

from support.harness import TestNode
from support.tiny_apps import ALIVE, write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


async def test_lines_come_live_are_found_held_and_saved(page: Page, node: TestNode) -> None:
    assert node.apps is not None
    count = "i=0; while :; do i=$((i+1)); echo wave $i; sleep 0.05; done"
    write_app(node.apps, "sea", command=f'[sh, -c, "{count}"]', health=ALIVE)
    await node.install("sea")
    await page.goto("/apps/sea/logs")
    log = page.get_by_role("log")
    await expect(log).to_contain_text(re.compile(r"wave \d"))
    first = await newest_wave(page)
    await until_wave(page, first + 20)
    await page.get_by_role("button", name="Pause").click()
    held = await newest_wave(page)
    await expect(page.get_by_role("button", name=re.compile(r"new lines?$"))).to_be_visible()
    assert await newest_wave(page) == held
    await page.get_by_label("Search the log").fill("WAVE 1")
    await expect(log.locator("mark").first).to_have_text("wave 1")
    await expect(log).not_to_contain_text("wave 2")
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download").click()
    saved = (await (await download.value).path()).read_text().splitlines()
    assert saved and all("wave 1" in line for line in saved)
    await page.get_by_label("Search the log").fill("no such wave")
    await expect(log).to_contain_text("No line contains this.")
    await page.get_by_label("Search the log").fill("")
    await page.get_by_role("button", name="Follow").click()
    await until_wave(page, held + 20)
    node.kill()
    await node.start()
    await expect(page.get_by_text("The node cannot be reached")).to_have_count(0, timeout=120_000)
    before = await newest_wave(page)
    await until_wave(page, before + 5)
    shown = [int(number) for number in re.findall(r"wave (\d+)", await log.inner_text())]
    assert len(shown) == len(set(shown)), "no line comes twice"
    await node.done(await node.call("container-remove", app="sea", delete_data=True))
    await expect(log).to_contain_text("The log has ended.")


async def test_ten_thousand_lines_a_second_leave_the_page_to_its_owner(page: Page, node: TestNode) -> None:
    assert node.apps is not None
    # Each tenth of a second a thousand lines; the program that writes them does nothing else.
    pour = 'BEGIN { for (;;) { for (i = 0; i < 1000; i++) print "wave " ++n; system("busybox usleep 100000") } }'
    write_app(node.apps, "flood", command=f"[busybox, awk, '{pour}']", health=ALIVE)
    await node.install("flood")
    await page.goto("/apps/flood/logs")
    await until_wave(page, 30_000)
    await page.get_by_role("button", name="Pause").click()
    held = await newest_wave(page)
    await expect(page.get_by_role("button", name=re.compile(r"new lines?$"))).to_be_visible()
    search = page.get_by_label("Search the log")
    await search.press_sequentially(f"wave {held}")
    await expect(search).to_have_value(f"wave {held}")
    await expect(page.get_by_role("log").locator("mark").first).to_have_text(f"wave {held}")
    await search.fill("")
    await page.get_by_role("button", name="Follow").click()
    await until_wave(page, held + 30_000)
    await page.get_by_role("link", name="Settings", exact=True).click()
    await expect(page).to_have_url(re.compile("/apps/flood/settings$"))
    await node.done(await node.call("container-remove", app="flood", delete_data=True))


async def newest_wave(page: Page) -> int:
    """Return the number of the last line that is shown."""
    shown = await page.get_by_role("log").inner_text()
    return int(([0, *re.findall(r"wave (\d+)", shown)])[-1])


async def until_wave(page: Page, number: int) -> None:
    """Return once a later line than that is shown."""
    async with asyncio.timeout(200):
        while await newest_wave(page) <= number:
            await asyncio.sleep(0.05)  # what is awaited may go by between two looks


async def test_hostile_log_lines_are_text(page: Page, node: TestNode) -> None:
    assert node.apps is not None
    hostile = "<img src=x onerror=alert(1)> \\\\033[2Jgone \\\\033]0;owned\\\\007"
    command = f"[sh, -c, \"printf '{hostile}\\\\n'; exec busybox httpd -f -p 8000 -h /\"]"
    write_app(node.apps, "pirate", command=command)
    if "pirate" not in {each["app"] for each in await node.call("container-list")}:
        await node.install("pirate")
    await page.goto("/apps/pirate/logs")
    log = page.get_by_role("log")
    await expect(log).to_contain_text("<img src=x onerror=alert(1)> gone")
    assert await log.locator("img").count() == 0
    await node.done(await node.call("container-remove", app="pirate", delete_data=True))
