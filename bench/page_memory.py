"""Memory of a tab while the node's events come ten times as fast as on a busy node."""

import asyncio
import os
import statistics
import time
from dataclasses import dataclass
from itertools import cycle

from page_browser import owner_tab
from page_node import ADDRESS, Pace, PageNode
from playwright.async_api import Browser, CDPSession
from report import SMOKE, Figure

MINUTES = float(os.environ.get("BENCH_MINUTES", "0.01" if SMOKE else "10"))
BUSY = 1.0
"""Events a second on a busy node: an app is started or stopped every eight seconds, without end."""
RATE = 10 * BUSY
_SAMPLES = 60
_SETTLING = 0.25
"""Part of the time in which the page reaches its full size: it keeps fifty operations, and for each question that it
has asked a time limit of two minutes."""
_ENDS = 5
"""Samples at either end of which the median is reported: what a single one finds depends on what is shown just then."""
_FLAT = 1.05
"""Growth that is none: what the browser compiles as it runs more often is counted too."""
_LEAST = 0.2 if SMOKE else 5.0
"""Seconds between two samples: each collects garbage, which no page does by itself that often."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a tab has after its garbage was collected."""

    at: float
    """Seconds since the beginning."""
    heap: float
    """Megabytes of the JavaScript heap."""
    nodes: int
    listeners: int


@dataclass(frozen=True, slots=True)
class Course:
    """How the memory of a tab went over events that came to it."""

    samples: list[Sample]
    events: int
    """Events that the node had."""
    messages: int
    """Messages that came to the tab."""
    seconds: float

    @property
    def settled(self) -> list[Sample]:
        """Return the samples without those of the beginning."""
        return [each for each in self.samples if each.at >= _SETTLING * self.seconds]

    def slope(self, of: str) -> float:
        """Return how much something grows in an hour, by least squares."""
        found = self.settled
        return (
            3600 * statistics.linear_regression([each.at for each in found], [getattr(each, of) for each in found])[0]
        )

    def ends(self, of: str) -> tuple[float, float]:
        """Return how much of something there was first and last."""
        values = [getattr(each, of) for each in self.settled]
        return statistics.median(values[:_ENDS]), statistics.median(values[-_ENDS:])

    def figures(self) -> list[Figure]:
        """Return its figures; growth is the ratio of last to first."""
        print(
            f"{self.events} events in {self.seconds / 60:.1f} min ({self.events / self.seconds:.1f} a second, "
            f"{self.messages} messages came); the heap grew by {self.slope('heap'):+.2f} MB an hour"
        )
        kinds = {"heap": ("JavaScript heap", "MB"), "nodes": ("DOM nodes", ""), "listeners": ("listeners", "")}
        return [
            Figure(
                f"memory over {self.seconds / 60:.0f} minutes of events, {what}: last",
                self.ends(of)[1],
                unit,
                "first",
                self.ends(of)[1] / self.ends(of)[0],
                f"≤ {_FLAT:g} x",
                self.ends(of)[1] <= _FLAT * self.ends(of)[0],
            )
            for of, (what, unit) in kinds.items()
        ]


async def live(browser: Browser, node: PageNode, path: str, running: list[str], idle: list[str]) -> Course:
    """Keep a tab open while apps that run are stopped and started, and apps that do not run are stopped once more."""
    async with owner_tab(browser) as (tab, devtools):
        messages = []
        tab.on("websocket", lambda socket: socket.on("framereceived", lambda _: messages.append(1)))
        await tab.goto(f"{ADDRESS}{path}")
        before, began = await node.revision(), time.monotonic()
        changing = asyncio.create_task(_change(node, running, idle, began + 60 * MINUTES))
        try:
            samples = await _samples(devtools, changing, began)
            await changing
        finally:
            changing.cancel()
            await asyncio.gather(changing, return_exceptions=True)
        seconds = time.monotonic() - began
        return Course(samples, await node.revision() - before, len(messages), seconds)


async def _change(node: PageNode, running: list[str], idle: list[str], until: float) -> None:
    """Make events at the rate, by real changes of real apps."""
    first, pace = await node.revision(), Pace(RATE)
    for app, other in zip(cycle(running), cycle(idle), strict=False):
        for method, which in (("container-stop", app), ("container-start", app), ("container-stop", other)):
            if time.monotonic() > until:
                return
            await node.operate(method, app=which)
            await pace.hold(await node.revision() - first)


async def _samples(devtools: CDPSession, going: asyncio.Task[None], began: float) -> list[Sample]:
    pause = max(_LEAST, 60 * MINUTES / _SAMPLES)
    samples = []
    while not going.done():
        samples.append(await _sample(devtools, began))
        await asyncio.wait({going}, timeout=pause)
    return [*samples, await _sample(devtools, began)]


async def _sample(devtools: CDPSession, began: float) -> Sample:
    await devtools.send("HeapProfiler.collectGarbage")
    heap = await devtools.send("Runtime.getHeapUsage")
    counts = await devtools.send("Memory.getDOMCounters")
    return Sample(time.monotonic() - began, heap["usedSize"] / 1e6, counts["nodes"], counts["jsEventListeners"])
