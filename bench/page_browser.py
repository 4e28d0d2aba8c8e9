"""The browser that the page is measured in: Chromium, a tab of the owner, and what is read out of it."""

import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from page_node import ADDRESS, PASSWORD, USER
from playwright.async_api import Browser, BrowserContext, CDPSession, Page, async_playwright
from report import SMOKE, size

CHROMIUM = "/usr/bin/chromium"
_SHELL = Path("/usr/bin/chromium-headless-shell")
_PROGRAM = _SHELL if SMOKE and _SHELL.exists() else CHROMIUM
"""In a smoke run what draws pages alone, without a toolbar around them, which is a page as well."""
KEPT = "archipelago-session"
"""Where the page keeps the secret of its session, in web storage."""
FLAGS = (
    "--no-sandbox",  # as a user without namespaces of his own
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
FRAME = 1000 / 60
"""Milliseconds from one frame to the next."""
_WIDTH, _HEIGHT = 1280, size(900, 300)  # the few apps of a smoke run have to be scrolled as well
# Every frame tells how long after the one before it came. A long task blocks the main thread for more than 50 ms.
_METER = """() => {
  const meter = { gaps: [], tasks: [], going: true };
  const watch = new PerformanceObserver((list) => meter.tasks.push(...list.getEntries().map((task) => task.duration)));
  watch.observe({ type: "longtask" });
  let last = performance.now();
  const tick = (now) => {
    meter.gaps.push(Math.max(0, now - last));
    last = now;
    if (meter.going) requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  meter.end = () => {
    meter.going = false;
    meter.tasks.push(...watch.takeRecords().map((task) => task.duration));
    watch.disconnect();
    return [meter.gaps.slice(1), meter.tasks];
  };
  window.frameMeter = meter;
}"""


@dataclass(frozen=True, slots=True)
class Frames:
    """How evenly frames came, in milliseconds."""

    gaps: list[float]
    tasks: list[float]
    """Tasks of the main thread of more than 50 ms."""

    @property
    def longest_gap(self) -> float:
        """Return the longest time without a frame."""
        return max(self.gaps, default=0.0)

    @property
    def longest_task(self) -> float:
        """Return the longest task; 0 where none was longer than 50 ms."""
        return max(self.tasks, default=0.0)

    def late(self) -> int:
        """Return how many frames came later than the screen could have shown them."""
        return sum(gap > 1.5 * FRAME for gap in self.gaps)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run the distribution's Chromium without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_PROGRAM, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def logged_in(browser: Browser) -> AsyncIterator[BrowserContext]:
    """Open a browser with nothing in its cache, of somebody who is logged in."""
    context = await browser.new_context(locale="en-GB", viewport={"width": _WIDTH, "height": _HEIGHT})
    try:
        await log_in(context)
        yield context
    finally:
        await context.close()


async def log_in(context: BrowserContext) -> None:
    """Log in, and have every page of the node find the secret of the session where it keeps it."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "login", "params": {"user": USER, "password": PASSWORD}}
    answer = await (await context.request.post(f"{ADDRESS}/rpc/v1", data=call)).json()
    if "result" not in answer:
        raise RuntimeError(str(answer))
    kept = f"localStorage.setItem({json.dumps(KEPT)}, {json.dumps(answer['result']['session'])})"
    await context.add_init_script(f"if (location.origin === {json.dumps(ADDRESS)}) {kept}")


@asynccontextmanager
async def driven_by_others(port: int) -> AsyncIterator[None]:
    """Run a browser of somebody who is logged in, which another program drives through a port."""
    with tempfile.TemporaryDirectory(prefix="bench-profile-") as folder:
        async with async_playwright() as playwright:
            context = await playwright.chromium.launch_persistent_context(
                folder, executable_path=CHROMIUM, args=[*FLAGS, f"--remote-debugging-port={port}"]
            )
            try:
                await log_in(context)
                await (await context.new_page()).goto(ADDRESS)
                yield
            finally:
                await context.close()


@asynccontextmanager
async def owner_tab(browser: Browser) -> AsyncIterator[tuple[Page, CDPSession]]:
    """Open an empty tab of the owner, and its DevTools."""
    async with logged_in(browser) as context:
        tab = await context.new_page()
        yield tab, await context.new_cdp_session(tab)


# Work that no browser can leave out: its result is used.
_YARDSTICK = """() => {
  const began = performance.now();
  let sum = 0;
  for (let round = 0; round < 40; round++) {
    const words = Array.from({ length: 2000 }, (_, number) => `word ${(number * 7919) % 2000}`).sort();
    sum += JSON.stringify(words).length;
  }
  document.title = String(sum);
  return performance.now() - began;
}"""
YARDSTICK = "a fixed piece of JavaScript in an empty tab"
_TRIES = size(5, 1)


async def yardstick(browser: Browser, slowed: int = 1) -> float:
    """Return the seconds that the browser takes for a fixed piece of work, at best of some tries."""
    context = await browser.new_context()
    try:
        tab = await context.new_page()
        devtools = await context.new_cdp_session(tab)
        await devtools.send("Emulation.setCPUThrottlingRate", {"rate": slowed})
        return min([float(await tab.evaluate(_YARDSTICK)) for _ in range(_TRIES)]) / 1000
    finally:
        await context.close()


async def watch_frames(tab: Page) -> None:
    """Start to look at every frame."""
    await tab.evaluate(_METER)


async def frames_of(tab: Page) -> Frames:
    """Return the frames since `watch_frames`."""
    gaps, tasks = await tab.evaluate("frameMeter.end()")
    return Frames(gaps, tasks)


async def main_thread(devtools: CDPSession) -> dict[str, float]:
    """Return seconds of the main thread until now, by what it did (CDP, Performance.getMetrics)."""
    found: dict[str, Any] = await devtools.send("Performance.getMetrics")
    return {each["name"]: float(each["value"]) for each in found["metrics"]}
