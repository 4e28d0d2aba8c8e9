"""States of the page that an address alone does not show: what is open over it, other languages, the longest names."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from playwright.async_api import Page

from support.stage.stage import Stage

Step = Callable[[Page, Stage], Awaitable[None]]
Pressed = Literal["button", "link", "menuitem", "tab"]


def press(role: Pressed, name: str) -> Step:
    """Return the step that presses what has this role and name."""

    async def step(page: Page, _: Stage) -> None:
        await page.get_by_role(role, name=name, exact=True).click()

    return step


def key(name: str) -> Step:
    """Return the step that presses a key."""

    async def step(page: Page, _: Stage) -> None:
        await page.keyboard.press(name)

    return step


def type_text(text: str) -> Step:
    """Return the step that types into what has the focus."""

    async def step(page: Page, _: Stage) -> None:
        await page.keyboard.type(text)

    return step


async def lose_node(page: Page, stage: Stage) -> None:
    """Take the node away from an open page."""
    await stage.go_away()


async def end_session(page: Page, stage: Stage) -> None:
    """End the session of an open page."""
    await stage.log_out()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A page of a scene, and the steps to the state of it of which a picture is taken."""

    scene: str
    path: str = "/"
    size: Literal["desktop", "phone"] = "desktop"
    theme: Literal["light", "dark"] = "light"
    language: str = "en"
    reachable: bool = True
    steps: tuple[Step, ...] = ()


LANGUAGES = {"de": "desktop", "es": "phone", "fr": "desktop", "ja": "phone", "pt": "desktop"}
STATES = {
    "notices-40": State(scene="many", steps=(press("button", "27 things need attention"),)),
    "notices-of-all-kinds": State(
        scene="notices", size="phone", theme="dark", steps=(press("button", "5 things need attention"),)
    ),
    "long-home": State(scene="long"),
    "long-apps": State(scene="long", path="/apps"),
    "long-app": State(scene="long", path="/apps/electrumx", size="phone"),
    "long-store": State(scene="long", path="/store"),
    "long-plan": State(scene="long", path="/store/specter", size="phone", theme="dark"),
    **{
        f"in-{language}": State(scene="calm", size="phone" if size == "phone" else "desktop", language=language)
        for language, size in LANGUAGES.items()
    },
    "syncing-app": State(scene="syncing", path="/apps/bitcoin-knots"),
    "failed-apps": State(scene="failed", path="/apps", size="phone"),
    "many-apps": State(scene="many", path="/apps"),
    "away": State(scene="calm", steps=(lose_node,)),
    "away-from-the-start": State(scene="calm", path="/offline.html", size="phone", theme="dark", reachable=False),
    "expired": State(scene="calm", path="/apps", steps=(end_session,)),
    "stopping-what-others-use": State(
        scene="calm",
        path="/apps/bitcoin-knots",
        steps=(press("button", "Actions for Bitcoin Knots"), press("menuitem", "Stop")),
    ),
    "removing": State(
        scene="calm",
        path="/apps/electrumx/danger",
        size="phone",
        theme="dark",
        steps=(press("button", "Remove ElectrumX"),),
    ),
    "search": State(scene="calm", steps=(key("Control+k"),)),
    "search-found": State(scene="calm", size="phone", theme="dark", steps=(key("Control+k"), type_text("electr"))),
    "first-start-words": State(
        scene="first-start", path="/welcome", size="phone", steps=(press("button", "Show the words"),)
    ),
    "first-start-reach": State(scene="first-start-reach", path="/welcome"),
    "first-start-apps": State(scene="first-start-apps", path="/welcome"),
}
