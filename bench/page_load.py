"""The first load of Home: bytes over the network, when it can be used on a slow processor, and what jumps meanwhile."""

import asyncio
from dataclasses import dataclass
from typing import Any

from page_browser import owner_tab
from page_node import ADDRESS
from playwright.async_api import Browser, CDPSession
from report import size

SLOWED = size(4, 1)
_QUIET = float(size(5, 0))
"""Seconds without a long task after which the page is ready, as Time to Interactive has it."""
_PATIENCE = 60.0
# Runs before the page's own scripts. Shown: the use of the host, and a link to every app.
_ARRIVAL = """
window.arrival = { shown: 0, busy: 0, shift: 0 };
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) arrival.busy = task.startTime + task.duration;
}).observe({ type: "longtask", buffered: true });
new PerformanceObserver((list) => {
  for (const shift of list.getEntries()) arrival.shift += shift.value;
}).observe({ type: "layout-shift", buffered: true });
const look = () => {
  const apps = new Set([...document.querySelectorAll('main a[href^="/apps/"]')].map((link) => link.pathname));
  if (document.querySelectorAll("main dl dd").length >= 4 && apps.size >= APPS) arrival.shown = performance.now();
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


@dataclass(frozen=True, slots=True)
class Load:
    """One first load."""

    files: int
    """Bytes of the page itself, as they came over the network, with the heads of the answers."""
    answers: int
    """Bytes of the node's answers to the page's questions."""
    unpacked: int
    """Bytes of all of it before it was compressed."""
    shown: float
    """Seconds until everything on it could be read."""
    ready: float
    """Seconds until the main thread was free as well."""
    shift: float
    """Score of all that jumped (Layout Instability API): the share of the window times the share of the way."""

    @property
    def size(self) -> int:
        """Return all bytes."""
        return self.files + self.answers


async def first_load(browser: Browser, apps: int) -> Load:
    """Load Home, on which a number of apps is shown, with an empty cache on a processor that is slowed."""
    async with owner_tab(browser) as (tab, devtools):
        await tab.add_init_script(_ARRIVAL.replace("APPS", str(apps)))
        await devtools.send("Network.enable")
        await devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
        places: dict[str, str] = {}
        sizes: dict[str, int] = {}
        unpacked: list[int] = []

        def answered(event: dict[str, Any]) -> None:
            places[event["requestId"]] = event["response"]["url"].removeprefix(ADDRESS)

        def finished(event: dict[str, Any]) -> None:
            sizes[event["requestId"]] = int(event["encodedDataLength"])

        devtools.on("Network.responseReceived", answered)
        devtools.on("Network.loadingFinished", finished)
        devtools.on("Network.dataReceived", lambda event: unpacked.append(int(event["dataLength"])))
        await tab.goto(ADDRESS, wait_until="commit")
        shown, ready, shift = await _until_quiet(devtools)
        answers = sum(size for key, size in sizes.items() if places[key].startswith("/rpc/"))
        return Load(sum(sizes.values()) - answers, answers, sum(unpacked), shown, ready, shift)


async def _until_quiet(devtools: CDPSession) -> tuple[float, float, float]:
    """Wait until all is shown and no long task has come for a while; return seconds until either, and what jumped."""
    expression = "[arrival.shown, Math.max(arrival.shown, arrival.busy), performance.now(), 1000 * arrival.shift]"
    async with asyncio.timeout(_PATIENCE):
        while True:
            await asyncio.sleep(1)
            found = await devtools.send("Runtime.evaluate", {"expression": expression, "returnByValue": True})
            shown, ready, now, shift = (each / 1000 for each in found["result"]["value"])
            if shown and now - ready > _QUIET:
                return shown, ready, shift
