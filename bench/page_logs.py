"""Fifty megabytes of an app's log, which come while they are looked at, and are searched once they are all there."""

import asyncio
import os
import re
import time
from dataclasses import dataclass

from page_browser import Frames, frames_of, owner_tab, watch_frames
from page_node import ADDRESS, PageNode
from playwright.async_api import Browser, Page
from report import size

LINES = size(200_000, 400)
LENGTH = 250
"""Bytes of a line, about as many as bitcoind writes for each block."""
RATE = int(os.environ.get("BENCH_LOG_RATE", "4000"))
"""Lines a second that the app writes: a megabyte. Ten megabytes of a log are kept, so they must come in time."""
_FIRST = 1_000_000
"""Number before the first line: all numbers have as many digits."""
_TEXT = "peer 203.0.113.7 sent a block of the chain, which was checked and taken"
_BATCHES = 20
"""Batches in a second in which the lines are written."""
_LOOP = """i={first}
while [ $i -lt {last} ]; do
  end=$((i + {batch}))
  while [ $i -lt $end ]; do i=$((i + 1)); echo "{line}"; done
  usleep {pause}
done
exec sleep 100000"""
SEARCHES = {
    "a text of one line": (f"line {_FIRST + LINES // 3}", 1),
    "a text of all lines": ("Checked and taken", LINES),
    "a text of no line": ("sent no block", 0),
}
"""What is looked for -> what is typed, and how many lines hold it."""
_SILENCE = 15.0
"""Seconds without a further line after which none comes any more."""
_TYPING = size(40, 1)
"""Milliseconds between two keys."""
_REST = size(1, 0)
"""Seconds before a search, in which the page forgets the one before."""
_PATIENCE = 120.0
# The words below the log: how many lines there are, or how many were found until now.
_HINT = "main p.hint:last-of-type"
_WORDS = {"no": 0, "one": 1}
_CLOCK = """(hint) => {
  const clock = { typed: 0, ended: 0, begun: false };
  document.querySelector("main input[type=search]").addEventListener("input", () => {
    clock.typed = performance.now();
    clock.ended = 0;
    clock.begun = false;
  });
  const look = (now) => {
    const text = [...document.querySelectorAll(hint)].at(-1).textContent;
    if (/^Searching/.test(text)) clock.begun = true;
    else if (clock.begun && !clock.ended) clock.ended = performance.now();
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  window.searchClock = clock;
}"""


def logger() -> tuple[str, ...]:
    """Return a program that writes the lines at the rate, then rests."""
    line = f"line $i {_TEXT} {'.' * LENGTH}"[: LENGTH - len(str(_FIRST)) + len("$i")]
    batch, pause = max(1, RATE // _BATCHES), 1_000_000 // _BATCHES
    script = _LOOP.format(first=_FIRST, last=_FIRST + LINES, batch=batch, line=line, pause=pause)
    return ("/usr/bin/busybox", "sh", "-c", script)


@dataclass(frozen=True, slots=True)
class Arrival:
    """The lines came."""

    lines: int
    seconds: float
    frames: Frames


@dataclass(frozen=True, slots=True)
class Search:
    """A text was typed into the field and looked for."""

    found: int
    seconds: float
    """From the last key to the end of the search."""
    frames: Frames


async def read_and_search(browser: Browser, node: PageNode) -> tuple[Arrival, dict[str, Search]]:
    """Have an app write while the page follows its log; then search in it."""
    await node.operate("container-install", app="logger", start=False)
    async with owner_tab(browser) as (tab, _):
        tab.set_default_timeout(1000 * _PATIENCE)
        await tab.goto(f"{ADDRESS}/apps/logger/logs")
        await tab.get_by_role("log").wait_for()
        await watch_frames(tab)
        began = time.monotonic()
        await node.operate("container-start", app="logger")
        lines, ended = await _until_silent(tab)
        arrival = Arrival(lines, ended - began, await frames_of(tab))
        await tab.evaluate(_CLOCK, _HINT)
        return arrival, {what: await _search(tab, text) for what, (text, _) in SEARCHES.items()}


async def _until_silent(tab: Page) -> tuple[int, float]:
    """Wait until all lines are there, or no further one comes; return how many there are, and when the last came."""
    lines, at = 0, time.monotonic()
    while lines < LINES and time.monotonic() - at < _SILENCE:
        await asyncio.sleep(0.25)
        now = await _count(tab)
        if now != lines:
            lines, at = now, time.monotonic()
    return lines, at


async def _count(tab: Page) -> int:
    """Return the number of lines that the page says it has, or has found."""
    text = await tab.locator(_HINT).last.inner_text()
    digits = re.sub(r"\D", "", text)
    return int(digits) if digits else _WORDS[text.split()[0].lower()]


async def _search(tab: Page, text: str) -> Search:
    field = tab.get_by_role("searchbox", name="Search the log")
    await field.fill("")
    await asyncio.sleep(_REST)
    await watch_frames(tab)
    await field.press_sequentially(text, delay=_TYPING)
    async with asyncio.timeout(_PATIENCE):
        while not await tab.evaluate("searchClock.ended"):
            await asyncio.sleep(0.1)
    milliseconds = await tab.evaluate("searchClock.ended - searchClock.typed")
    return Search(await _count(tab), milliseconds / 1000, await frames_of(tab))
