"""Home once it is there: what it costs while nobody touches it, and what the map costs the main thread."""

import asyncio
import statistics
from dataclasses import dataclass
from typing import Any

from page_browser import main_thread, owner_tab
from page_node import ADDRESS
from playwright.async_api import Browser, CDPSession, Page
from report import Figure, limited, size

SECONDS = size(60, 0, "BENCH_IDLE")
_TURNS = size(7, 1)
_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@dataclass(frozen=True, slots=True)
class Home:
    """What was found; seconds of processor time."""

    idle: float
    """Of all processes of the browser, for each second in which nobody touched the page."""
    empty: float
    """The same with an empty tab in its place."""
    map: float
    """Of the main thread, to show the map in the place of the list: median."""
    list: float
    """The same the other way round."""

    def figures(self, apps: int) -> list[Figure]:
        """Return the rows of the table."""
        what = f"Home with {apps} apps"
        empty, other = ("an empty tab, per cent", max(self.empty, 1e-4) * 100), ("the list", self.list * 1000)
        return [
            limited(f"{what}, nobody touches it: of one core", self.idle * 100, "%", empty, at_most=1),
            limited(f"{what}, the map is shown: main thread, median", self.map * 1000, "ms", other, at_most=30),
        ]


async def at_home(browser: Browser, apps: int) -> Home:
    """Open Home, on which a number of apps is shown, and look at it."""
    async with owner_tab(browser) as (tab, devtools):
        await tab.goto("about:blank")
        empty = await _use(browser)
        await tab.goto(ADDRESS)
        await tab.locator('main a[href^="/apps/"]').nth(apps - 1).wait_for(state="attached")
        await tab.locator("svg path[d^=M]").first.wait_for(state="attached")
        await tab.wait_for_load_state("networkidle")
        idle = await _use(browser)
        await devtools.send("Performance.enable")
        costs: dict[str, list[float]] = {"list": [], "map": []}
        for _ in range(_TURNS):
            for view, found in costs.items():
                found.append(await _shown(tab, devtools, view))
        return Home(idle, empty, statistics.median(costs["map"]), statistics.median(costs["list"]))


async def _use(browser: Browser) -> float:
    """Return the seconds of processor time that the browser takes in a second."""
    session = await browser.new_browser_cdp_session()

    async def spent() -> float:
        found: dict[str, Any] = await session.send("SystemInfo.getProcessInfo")
        return sum(float(each["cpuTime"]) for each in found["processInfo"])

    before, start = await spent(), asyncio.get_running_loop().time()
    await asyncio.sleep(SECONDS)
    return (await spent() - before) / (asyncio.get_running_loop().time() - start)


async def _shown(tab: Page, devtools: CDPSession, view: str) -> float:
    """Show the map or the list in the place of the other, and return what it cost the main thread."""
    before = (await main_thread(devtools))["TaskDuration"]
    await tab.get_by_role("button", name=f"Show as a {view}").click()
    if view == "map":
        await tab.locator("svg path[d^=M]").first.wait_for(state="attached")
    await tab.evaluate(_FRAMES)
    return (await main_thread(devtools))["TaskDuration"] - before
