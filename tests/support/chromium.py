"""The distribution's Chromium, without a window: the whole browser, or what draws pages in it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

_CHROMIUM, _SHELL = Path("/usr/bin/chromium"), Path("/usr/bin/chromium-headless-shell")
_FLAGS = (
    "--no-sandbox",  # a browser in a test, as a user without namespaces of his own
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=slight",  # as the distribution's fontconfig says, which what draws pages does not ask
)


def page_engine() -> Path:
    """Return the program that draws pages as Chromium does, and has nothing around them.

    Chromium has a toolbar, a page of its own, in each window that nobody sees: a third of what a test takes. Where the
    distribution has no such program, it is Chromium.
    """
    return _SHELL if _SHELL.exists() else _CHROMIUM


@asynccontextmanager
async def chromium(*flags: str, home: Path | None = None, program: Path = _CHROMIUM) -> AsyncIterator[Browser]:
    """Give a browser, and end it; it trusts what is trusted in a folder that takes the place of its user's home."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=program,
            args=[*_FLAGS, *flags],
            env=None if home is None else {**os.environ, "HOME": str(home)},
        )
        yield launched
        await launched.close()
