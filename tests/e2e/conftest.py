"""A node with the built page, and the distribution's Chromium in front of it; anew for each module."""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from archipelago.config import DEFAULT_UI
from support.harness import TestNode, copy_apps, free_port, remove_leftovers, running_node
from support.owner import enter
from support.stage.house import browser_with_stage
from support.tiny_apps import write_app

UI = os.environ.get("ARCHIPELAGO_UI", DEFAULT_UI)
# A machine that builds images beside it is slow; what is awaited is an event all the same.
expect.set_options(timeout=60_000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node without a password, with a catalog of the project's apps and of small ones."""
    remove_leftovers()
    catalog = copy_apps(tmp_path_factory.mktemp("catalog"))
    # A copy of the page, which a test can put a newer one in the place of.
    page = tmp_path_factory.mktemp("page") / "ui"
    shutil.copytree(UI, page)
    endpoint = f"{{kind: ui, protocol: http, container: main, port: 8000, host_port: {free_port()}, label: Open it}}"
    wire = f"{{kind: api, scheme: tcp, container: main, port: 8000, host_port: {free_port()}, label: Wire}}"
    write_app(catalog, "anchor", more="provides: {moor: {container: main, port: 8000}}\n")
    write_app(
        catalog,
        "ship",
        command='[sh, -c, "echo sails are set {{ options.sails }}; exec busybox httpd -f -p 8000 -h /"]',
        more=f"requires: {{moor: {{}}}}\nendpoints: {{deck: {endpoint}, wire: {wire}}}\n"
        "options: {sails: {type: int, label: Sails, default: 3, minimum: 1, maximum: 9, help: How many}}\n",
    )
    async with running_node("page", apps=catalog, environment={"ARCHIPELAGO_UI": str(page)}) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """The distribution's Chromium, as far as pages are concerned; it can show stages."""
    async with browser_with_stage() as launched:
        yield launched


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def context(browser: Browser, node: TestNode) -> AsyncIterator[BrowserContext]:
    """A browser that has never been here, of somebody who speaks English.

    Nothing moves in it: what moves is drawn again sixty times a second, for nobody.
    """
    address = f"http://localhost:{node.port}"
    made = await browser.new_context(base_url=address, locale="en-GB", reduced_motion="reduce")
    made.set_default_timeout(60_000)
    # It keeps the process of the tabs, with all that it has compiled.
    await (await made.new_page()).goto("/icon.svg")
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(context: BrowserContext, node: TestNode) -> AsyncIterator[Page]:
    """A tab of the owner, who is logged in; every error in it fails the test."""
    tab = await context.new_page()
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda said: errors.append(said.text) if "Content Security Policy" in said.text else None)
    await enter(tab, node)
    yield tab
    await tab.close()
    assert errors == []
