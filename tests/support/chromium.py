"""The distribution's Chromium, without a window."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

_CHROMIUM = "/usr/bin/chromium"
_FLAGS = (
    "--no-sandbox",  # a browser in a test, as a user without namespaces of his own
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Give a browser, and end it."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS)
        yield launched
        await launched.close()
