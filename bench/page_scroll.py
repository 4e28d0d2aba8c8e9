"""A long list is scrolled: frames as Chromium's compositor reports them, and what a frame costs the main thread."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from page_browser import FRAME, Frames, frames_of, main_thread, owner_tab, watch_frames
from page_node import ADDRESS
from playwright.async_api import Browser, CDPSession, Page
from report import Figure, limited, plain

SPEED = 3000
"""Pixels a second: about three screens, as a flick of a finger does."""
_TRACED = ["-*", "disabled-by-default-devtools.timeline.frame", "disabled-by-default-devtools.timeline"]
_LAID_OUT = "LayoutDuration", "RecalcStyleDuration"
_X, _Y = 700, 250


@dataclass(frozen=True, slots=True)
class Scrolling:
    """A list was scrolled to its end and back."""

    frames: Frames
    states: Counter[str]
    """How many frames ended how (PipelineReporter): presented wholly, or without the main thread's part, or dropped."""
    blank: int
    """Frames that showed a part of the list which was not painted yet."""
    tasks: list[float]
    """Milliseconds of each task of the main thread."""
    cost: dict[str, float]
    """Seconds of the main thread, by what it did."""

    @property
    def presented(self) -> int:
        """Return how many frames were seen."""
        return self.states["STATE_PRESENTED_ALL"] + self.states["STATE_PRESENTED_PARTIAL"]

    @property
    def dropped(self) -> int:
        """Return how many frames were not seen although something moved."""
        return self.states["STATE_DROPPED"]

    @property
    def partial(self) -> int:
        """Return how many frames moved without what the main thread had to add."""
        return self.states["STATE_PRESENTED_PARTIAL"]

    def per_frame(self, *kinds: str) -> float:
        """Return milliseconds of the main thread for one frame."""
        return 1000 * sum(self.cost[kind] for kind in kinds) / max(1, self.presented)

    def figures(self, what: str) -> list[Figure]:
        """Return its figures."""
        script, layout = self.per_frame("ScriptDuration"), self.per_frame(*_LAID_OUT)
        print(
            f"{what}: {self.presented} frames seen, {self.partial} without the main thread's part; "
            f"script {script:.1f} ms per frame, style and layout {layout:.1f} ms; "
            f"longest task {max(self.tasks):.0f} ms, longest time without a frame {self.frames.longest_gap:.0f} ms"
        )
        frame, seen = ("a frame", FRAME), max(1, self.presented)
        bad = self.dropped + self.blank
        return [
            Figure(f"{what}: frames dropped or with blank parts", bad, "", "frames seen", bad / seen, "none", not bad),
            limited(f"{what}: main thread per frame", self.per_frame("TaskDuration"), "ms", frame, at_most=16.7),
            plain(f"{what}: longest task", max(self.tasks), "ms", frame),
        ]


async def scroll(browser: Browser, apps: int, layout: str) -> Scrolling:
    """Scroll the list of a number of apps, in one of its layouts, for the first time in a tab."""
    async with owner_tab(browser) as (tab, devtools):
        await tab.goto(f"{ADDRESS}/apps")
        await tab.locator('main a[href^="/apps/"]').nth(apps - 1).wait_for(state="attached")
        await tab.get_by_role("radio", name=layout, exact=True).click()
        await tab.wait_for_load_state("networkidle")
        await devtools.send("Performance.enable")
        before = await main_thread(devtools)
        await browser.start_tracing(page=tab, categories=_TRACED)
        await watch_frames(tab)
        await _to_end_and_back(tab, devtools)
        frames = await frames_of(tab)
        trace = json.loads(await browser.stop_tracing())["traceEvents"]
        after = await main_thread(devtools)
        cost = {key: after[key] - before[key] for key in ("TaskDuration", "ScriptDuration", *_LAID_OUT)}
        return Scrolling(frames, *_frames_in(trace), _tasks_in(trace), cost)


async def _to_end_and_back(tab: Page, devtools: CDPSession) -> None:
    await tab.mouse.move(_X, _Y)
    height = await tab.evaluate("document.documentElement.scrollHeight - innerHeight")
    for distance in (-height, height):
        gesture = {"x": _X, "y": _Y, "yDistance": distance, "speed": SPEED, "gestureSourceType": "mouse"}
        await devtools.send("Input.synthesizeScrollGesture", gesture)
    if await tab.evaluate("scrollY") != 0:
        raise RuntimeError("the list was not scrolled back to its beginning")


def _frames_in(trace: list[dict[str, Any]]) -> tuple[Counter[str], int]:
    """Return how the frames of a scrolling ended, and how many had parts that were not painted."""
    states: dict[int, str] = {}
    blank = set()
    for event in trace:
        report = event.get("args", {}).get("frame_reporter")
        if event["name"] != "PipelineReporter" or not report or report["scroll_state"] == "SCROLL_NONE":
            continue
        # A frame whose main thread was late has two reports; what was seen of it counts.
        number = report["frame_sequence"]
        states[number] = max(states.get(number, ""), report["state"], key=_RANK.index)
        if report["has_missing_content"]:
            blank.add(number)
    return Counter(states.values()), len(blank)


_RANK = ("", "STATE_NO_UPDATE_DESIRED", "STATE_PRESENTED_ALL", "STATE_PRESENTED_PARTIAL", "STATE_DROPPED")


def _tasks_in(trace: list[dict[str, Any]]) -> list[float]:
    """Return milliseconds of each task of the main thread of the page."""
    scrolled = {event["pid"] for event in trace if event["name"] == "PipelineReporter" and _is_scroll(event)}
    threads = {
        (event["pid"], event["tid"])
        for event in trace
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain" and event["pid"] in scrolled
    }
    return [
        event["dur"] / 1000
        for event in trace
        if event["name"] == "RunTask" and (event["pid"], event["tid"]) in threads and "dur" in event
    ]


def _is_scroll(event: dict[str, Any]) -> bool:
    report = event.get("args", {}).get("frame_reporter")
    return bool(report) and report["scroll_state"] != "SCROLL_NONE"
