"""The distribution's Chromium, without a window."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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
async def chromium(*flags: str, home: Path | None = None) -> AsyncIterator[Browser]:
    """Give a browser, and end it; it trusts what is trusted in a folder that takes the place of its user's home."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=_CHROMIUM,
            args=[*_FLAGS, *flags],
            env=None if home is None else {**os.environ, "HOME": str(home)},
        )
        yield launched
        await launched.close()
