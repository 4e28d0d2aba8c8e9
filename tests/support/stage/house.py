"""Where stages are shown: a browser, the server at which it finds them, and what one tab after the other shares."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from playwright.async_api import Browser, BrowserContext, Page

from support.chromium import chromium, page_engine
from support.everybody import prepared_for_axe
from support.stage.server import ADDRESS, AXE_ADDRESS, EMPTY, ORIGIN, StageServer

_TRUSTED = """const ask = fetch
globalThis.fetch = (what, how) => new URL(what, location).origin === location.origin ? ask(what, how)
  : Promise.resolve(new Response())"""
"""Has the browser trust what a node listens with beside its page, which learns no more of it than that it answers."""
_SCRIPTS = "--js-flags=--no-turbofan --no-maglev --no-flush-bytecode --min-semi-space-size=32"
"""A page lives for seconds: to make its scripts faster takes longer than it saves, and the next page has the same."""
_TABS = 20
"""Tabs that share a profile one after the other: each leaves the hands of its clock behind, for the next to find."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What tabs must have in common to share what the browser keeps."""

    origin: str
    touch: bool


class House:
    """Opens tabs for stages. A load takes longest: so a tab finds the page's files, and its scripts compiled."""

    def __init__(self, browser: Browser, server: StageServer) -> None:
        self.server = server
        self._browser = browser
        self._kept: dict[Profile, tuple[BrowserContext, int]] = {}

    @asynccontextmanager
    async def tab(self, profile: Profile) -> AsyncIterator[Page]:
        """Open a tab, and close it again; what a failed test leaves behind is nobody else's."""
        kept = self._kept.pop(profile) if profile in self._kept else None
        context, left = kept or (await self._new_context(profile), _TABS)
        keep = False
        try:
            page = await context.new_page()
            yield page
            await page.close()
            keep = left > 1
        finally:
            if keep:
                self._kept[profile] = context, left - 1
            else:
                await context.close()

    async def _new_context(self, profile: Profile) -> BrowserContext:
        context = await self._browser.new_context(
            base_url=profile.origin,
            locale="en-GB",
            timezone_id="UTC",
            reduced_motion="reduce",
            service_workers="block",
            has_touch=profile.touch,
            is_mobile=profile.touch,
        )
        # Each tab begins with an empty memory, and keeps it from one page to the next.
        await context.add_init_script(
            "if (!sessionStorage.staged) { localStorage.clear(); sessionStorage.staged = 'yes' }"
        )
        await context.add_init_script(f"{{ {_TRUSTED} }}")
        await context.add_init_script(prepared_for_axe(AXE_ADDRESS))
        # A tab that nobody looks at keeps the process of the tabs, with all that it has compiled.
        await (await context.new_page()).goto(f"{ORIGIN}{EMPTY}")
        return context


_HOUSES: WeakKeyDictionary[Browser, House] = WeakKeyDictionary()


def house_of(browser: Browser) -> House:
    """Return where a browser shows stages."""
    return _HOUSES[browser]


@asynccontextmanager
async def browser_with_stage() -> AsyncIterator[Browser]:
    """Give a browser that draws pages, and that finds the stage which is shown at the address of a node."""
    server = StageServer()
    async with (
        server.listening() as port,
        # Tabs of a profile share a process, in which the page's scripts are compiled once.
        chromium(
            f"--host-resolver-rules=MAP {ADDRESS} 127.0.0.1:{port}",
            "--process-per-site",
            _SCRIPTS,
            program=page_engine(),
        ) as browser,
    ):
        _HOUSES[browser] = House(browser, server)
        yield browser
