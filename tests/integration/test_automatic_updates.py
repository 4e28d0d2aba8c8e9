"""What a real node installs by itself at night: a version that works, and not one that fails or asks for more."""

import asyncio
import itertools
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.checkout import TESTS
from support.harness import TestNode, remove_leftovers
from support.tiny_apps import PATIENT, write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

WEB = "exec busybox httpd -f -p 8000 -h /data"
VOLUME = "volumes: {data: {data: files}}"
VERSIONS = itertools.count(1)


def zone() -> str:
    """Return a time zone in which it is about five at night for the next hour."""
    return f"XXX{datetime.now(UTC).hour - 5:+d}"


class NightNode(TestNode):
    """A node where it is night."""

    def command(self) -> list[str]:
        return [sys.executable, str(Path(__file__).with_name("night_daemon.py"))]


def offer(node: TestNode, script: str = WEB, more: str = VOLUME, version: str = "") -> str:
    """Offer a version of the app in the catalog, a new one if none is given; return it."""
    assert node.apps is not None
    version = version or f"{next(VERSIONS)}.0"
    health = f"mounts: [{{volume: data, path: /data}}]\n    {PATIENT}"
    script = f"echo {version} >> /data/ran; {script}"
    write_app(node.apps, "app", command=f"[sh, -c, '{script}']", health=health, more=more, version=version, grace="1s")
    return version


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with the app of which updates are installed by themselves."""
    remove_leftovers()
    environment = {"PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:{TESTS}", "ARCHIPELAGO_SOAK": "1", "TZ": zone()}
    found = NightNode("automatic", apps=tmp_path_factory.mktemp("catalog"), environment=environment)
    try:
        await found.start()
        offer(found)
        await found.install("app")
        assert (await found.call("update-automatic", app="app", on=True))["on"]
        yield found
    finally:
        await found.destroy()


async def until_told(node: TestNode, version: str, word: str) -> dict[str, Any]:
    """Return the notice about a version of the app that says this, once there is one."""
    while True:
        for each in await node.call("node-notices"):
            if each["app"] == "app" and each["version"] == version and word in each["text"] + each["detail"]:
                return dict(each)
        await asyncio.sleep(0.1)  # no event tells of a notice


async def updates(node: TestNode) -> int:
    return len([each for each in await node.call("operation-list", app="app") if each["kind"] == "update"])


async def test_a_version_that_works_is_there_in_the_morning(node: TestNode) -> None:
    before = (await node.until("app", "healthy"))["version"]
    version = offer(node)
    told = await until_told(node, version, f"was updated from {before} to {version} by itself")
    assert told["kind"] == "updated"
    assert (await node.until("app", "healthy"))["version"] == version


async def test_a_version_that_does_not_work_goes_back_and_is_tried_once(node: TestNode) -> None:
    works = (await node.until("app", "healthy"))["version"]
    version = offer(node, "exit 3")
    told = await until_told(node, version, "are back")
    assert told["level"] == "warning" and version in told["text"]
    status = await node.until("app", "healthy")
    assert (status["version"], status["update_to"], status["automatic"]["failed"]) == (works, version, True)
    before = await updates(node)
    node.kill()
    await node.start()
    await node.until("app", "healthy")
    offer(node, "exit 4", version=version)  # it is not tried again
    await until_told(node, version, "are back")
    assert await updates(node) == before


async def test_a_version_that_asks_for_more_is_left_to_its_owner(node: TestNode) -> None:
    version = offer(node, more=f"{VOLUME}\negress: direct")
    before = await updates(node)
    told = await until_told(node, version, "asks for more")
    assert "internet" in told["detail"] and told["level"] == "note"
    assert await updates(node) == before
    ended = await node.ended(await node.call("container-update", app="app"))
    assert ended["state"] == "done", ended
