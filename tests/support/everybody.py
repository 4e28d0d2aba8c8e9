"""Whether everybody can use a page, as far as axe can tell."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT, AxeResults  # type: ignore[import-untyped]
from playwright.async_api import Page

COLOURS = ("color-contrast", "link-in-text-block")
"""Axe's rules about colours: of one page in two themes, the others find the same."""
AXE = f"(setTimeout => {{ {AXE_SCRIPT}\n}})(globalThis.inRealTime ?? setTimeout.bind(globalThis))"
"""Axe as a script of a page."""


def prepared_for_axe(address: str) -> str:
    """Return the script by which axe comes from an address, is compiled once, and waits in real time.

    It is to be run before the clock of a page is stopped.
    """
    return f"globalThis.inRealTime = setTimeout.bind(globalThis); globalThis.axeAddress = '{address}'"


_LOAD = """() => globalThis.axeAddress && new Promise((done, failed) => document.head.append(
  Object.assign(document.createElement('script'), { src: axeAddress, onload: () => done(true), onerror: failed })))"""
_RUN = """options => globalThis.axe && axe.run(document, options).then(found => found.violations)"""


async def require_for_everybody(page: Page, *, rules: tuple[str, ...] = (), where: str = "") -> None:
    """Require that axe finds nothing in a page, by these rules, or by all that it has unless it is told otherwise."""
    only = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
    options: dict[str, Any] = {"resultTypes": ["violations"], **only}
    found = await page.evaluate(_RUN, options)
    if found is None:  # the page was loaded since axe was put into it
        if not await page.evaluate(_LOAD):
            await page.evaluate(AXE)
        found = await page.evaluate(_RUN, options)
    assert not found, f"{where}\n{AxeResults({'violations': found}).generate_report()}"
