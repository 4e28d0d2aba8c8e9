"""The page in Chromium, against a real node: first load, audit, scrolling, memory over events, and a long log.

Run it with `scripts/bench page`. `BENCH_PARTS=load,logs` measures some parts only, `BENCH_MINUTES` says how
long memory is looked at. What is measured, and how, stands in README.md beside this file.
"""

import asyncio
import os
import socket
import statistics

from page_audit import FORMS, Lighthouse, losses, scores
from page_browser import YARDSTICK, chromium, driven_by_others, yardstick
from page_home import at_home
from page_load import SLOWED, first_load
from page_logs import LENGTH, LINES, RATE, SEARCHES, logger, read_and_search
from page_memory import live
from page_node import ADDRESS, PageNode, page_node
from page_scroll import scroll
from playwright.async_api import Browser
from report import SMOKE, Figure, limited, plain, report, size

RUNNING = [f"run{number}" for number in range(size(12, 1))]
IDLE = [f"idle{number}" for number in range(size(188, 1))]
LAYOUTS = ("Grid", "List")[: size(2, 1)]
PARTS = ("load", "home", "audit", "scroll", "memory", "logs")
ALL = PARTS if not SMOKE else tuple(part for part in PARTS if part != "audit")  # which needs a program from npm
CHOSEN = os.environ.get("BENCH_PARTS", ",".join(ALL)).split(",")
ROUNDS = size(7, 1)
LOSSES = 6
"""How many of the things that cost points are named."""


async def main() -> None:
    """Measure and report."""
    if unknown := set(CHOSEN) - set(PARTS):
        raise SystemExit(f"BENCH_PARTS: there is no part {sorted(unknown)[0]!r}, only {', '.join(PARTS)}")
    async with page_node((*RUNNING, *IDLE), logger()) as node, chromium() as browser:
        await node.install_all(RUNNING)
        if "load" in CHOSEN:
            await load(browser, len(RUNNING))
        if "home" in CHOSEN:
            report(*(await at_home(browser, len(RUNNING))).figures(len(RUNNING)))
        if "audit" in CHOSEN:
            await audit()
        if "scroll" in CHOSEN or "memory" in CHOSEN:
            await fill(browser, node)
        if "memory" in CHOSEN:
            report(*(await live(browser, node, "/", RUNNING, IDLE)).figures())
        if "logs" in CHOSEN:
            await logs(browser, node)


async def load(browser: Browser, apps: int) -> None:
    """Report bytes and times of the first load of Home."""
    rounds = [await first_load(browser, apps) for _ in range(ROUNDS)]
    largest = max(rounds, key=lambda each: each.size)
    work = (f"{YARDSTICK}, as slow", await yardstick(browser, SLOWED))
    ready = [each.ready for each in rounds]
    what = f"first load of Home with {apps} apps"
    slow = f"{what}, processor slowed {SLOWED} x: interactive"
    plain_bytes = ("the same uncompressed", largest.unpacked / 1000)
    report(
        limited(f"{what}, over the network", largest.size / 1000, "kB", plain_bytes, at_most=220),
        plain(f"{what}, the node's answers", largest.answers / 1000, "kB", ("all of it", largest.size / 1000)),
        limited(f"{slow}, median", statistics.median(ready), "s", work, at_most=1.2),
        plain(f"{slow}, worst", max(ready), "s", work),
        limited(
            f"{what}: layout shift, worst", max(each.shift for each in rounds), "", ("0.1, good", 0.1), at_most=0.02
        ),
        plain(f"{what}, slowed as much: all shown", statistics.median(each.shown for each in rounds), "s", work),
    )


async def audit() -> None:
    """Report Lighthouse's scores of Home."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    async with driven_by_others(port):
        with Lighthouse() as lighthouse:
            for form in FORMS:
                found = await asyncio.to_thread(lighthouse.audit, ADDRESS, port, form)
                title = f"Lighthouse {found['lighthouseVersion']}, {form}"
                report(*(plain(f"{title}, {name}", points, "", ("100", 100)) for name, points in scores(found).items()))
                for text in losses(found)[:LOSSES]:
                    print(f"  less than all points: {text}", flush=True)


async def fill(browser: Browser, node: PageNode) -> None:
    """Install all other apps; report how their list is scrolled."""
    await node.install_all(IDLE, start=False)
    apps = len(RUNNING) + len(IDLE)
    if "load" in CHOSEN and not SMOKE:
        await load(browser, apps)
    if "scroll" in CHOSEN:
        for layout in LAYOUTS:
            title = f"scrolling {apps} apps ({layout.lower()})"
            report(*(await scroll(browser, apps, layout)).figures(title))


async def logs(browser: Browser, node: PageNode) -> None:
    """Report how a long log comes and how it is searched."""
    arrival, searches = await read_and_search(browser, node)
    log = f"log of {LINES * LENGTH / 1e6:.3g} MB"
    came, work = arrival.lines, (YARDSTICK, await yardstick(browser))
    print(f"longest time without a frame while it came: {arrival.frames.longest_gap:.0f} ms")
    report(
        Figure(f"{log}: lines that came", came, "", "lines written", came / LINES, "all", came == LINES),
        plain(f"{log}: until the last line", arrival.seconds, "s", ("its writing at that rate", LINES / RATE)),
    )
    for what, one in searches.items():
        if one.found != SEARCHES[what][1]:
            raise SystemExit(f"{what}: {one.found} lines were found instead of {SEARCHES[what][1]}")
        longest = one.frames.longest_task
        report(
            plain(f"{log}, search for {what}", one.seconds, "s", work),
            limited(f"{log}, search for {what}: longest task", longest, "ms", ("a frame", 1000 / 60), at_most=200),
        )


if __name__ == "__main__":
    asyncio.run(main())
