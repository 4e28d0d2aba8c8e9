"""The page in Chromium, against a real node: first load, audit, scrolling, memory over events, and a long log.

Run it with `scripts/bench page`. `BENCH_PARTS=load,logs` measures some parts only, `BENCH_MINUTES` says how
long memory is looked at. What is measured, and how, stands in README.md beside this file.
"""

import asyncio
import os
import socket
import statistics

from page_audit import FORMS, Lighthouse, losses, scores
from page_browser import chromium, driven_by_others
from page_load import SLOWED, Load, first_load
from page_logs import LENGTH, LINES, SEARCHES, logger, read_and_search
from page_memory import live
from page_node import ADDRESS, PageNode, page_node
from page_scroll import scroll
from playwright.async_api import Browser

RUNNING = [f"run{number}" for number in range(12)]
IDLE = [f"idle{number}" for number in range(188)]
LAYOUTS = ("Grid", "List")
PARTS = ("load", "audit", "scroll", "memory", "logs")
CHOSEN = os.environ.get("BENCH_PARTS", ",".join(PARTS)).split(",")
ROUNDS = 7
LOSSES = 6
"""How many of the things that cost points are named."""


async def main() -> None:
    """Measure and print."""
    if unknown := set(CHOSEN) - set(PARTS):
        raise SystemExit(f"BENCH_PARTS: there is no part {sorted(unknown)[0]!r}, only {', '.join(PARTS)}")
    async with page_node((*RUNNING, *IDLE), logger()) as node, chromium() as browser:
        for app in RUNNING:
            await node.operate("container-install", app=app)
        if "load" in CHOSEN:
            await load(browser, len(RUNNING))
        if "audit" in CHOSEN:
            await audit()
        if "scroll" in CHOSEN or "memory" in CHOSEN:
            await fill(browser, node)
        if "memory" in CHOSEN:
            print(f"memory of a tab with Home: {await live(browser, node, '/', RUNNING, IDLE)} (aim flat)", flush=True)
        if "logs" in CHOSEN:
            await logs(browser, node)


async def load(browser: Browser, apps: int) -> None:
    """Print bytes and times of the first load of Home."""
    rounds = [await first_load(browser, apps) for _ in range(ROUNDS)]
    largest = max(rounds, key=lambda each: each.size)
    print(f"first load of Home with {apps} apps: {largest.size / 1000:.1f} kB (aim 200), "
          f"{largest.answers / 1000:.1f} of them the node's answers")  # fmt: skip
    print(f"on a {SLOWED} x slowed processor: interactive after {_spread(rounds, 'ready')} (aim 1.5); "
          f"all shown after {_spread(rounds, 'shown')}", flush=True)  # fmt: skip


def _spread(rounds: list[Load], of: str) -> str:
    times = [getattr(each, of) for each in rounds]
    return f"median {statistics.median(times):.2f} s, worst {max(times):.2f} s"


async def audit() -> None:
    """Print Lighthouse's scores of Home."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    async with driven_by_others(port):
        with Lighthouse() as lighthouse:
            for form in FORMS:
                report = await asyncio.to_thread(lighthouse.audit, ADDRESS, port, form)
                print(f"Lighthouse {report['lighthouseVersion']}, {form}: {scores(report)}")
                for text in losses(report)[:LOSSES]:
                    print(f"  less than all points: {text}", flush=True)


async def fill(browser: Browser, node: PageNode) -> None:
    """Install all other apps; print how their list is scrolled."""
    for app in IDLE:
        await node.operate("container-install", app=app, start=False)
    apps = len(RUNNING) + len(IDLE)
    if "load" in CHOSEN:
        await load(browser, apps)
    if "scroll" in CHOSEN:
        for layout in LAYOUTS:
            print(f"scrolling {apps} apps ({layout}): {await scroll(browser, apps, layout)}", flush=True)


async def logs(browser: Browser, node: PageNode) -> None:
    """Print how a long log comes and how it is searched."""
    arrival, searches = await read_and_search(browser, node)
    print(f"log: {arrival.lines} of {LINES} lines of {LENGTH} bytes ({LINES * LENGTH / 1e6:.0f} MB) came in "
          f"{arrival.seconds:.1f} s, longest time without a frame {arrival.frames.longest_gap:.0f} ms")  # fmt: skip
    for what, one in searches.items():
        print(f"search for {what}: {one.found} of {SEARCHES[what][1]} found in {one.seconds:.2f} s; longest time "
              f"without a frame {one.frames.longest_gap:.0f} ms, longest task {one.frames.longest_task:.0f} ms "
              f"(0: none above 50)", flush=True)  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main())
