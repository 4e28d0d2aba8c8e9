"""Logs that are followed: all containers of an app, over restarts, crashes, a dead Podman service and an update."""

import asyncio
import json
import os
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from support.harness import TestNode, podman, remove_leftovers, running_node
from support.tiny_apps import ALIVE, write_app

pytestmark = pytest.mark.timeout(500)

# Each run has a name of its own and counts: what is missing or doubled can be seen. Two lines are written at once, so
# that they share a time.
_TALK = (
    "read run </proc/sys/kernel/random/uuid; i=0; "
    "while :; do printf '%s %d\\n%s %d\\n' $run $i $run $((i+1)); i=$((i+2)); sleep PAUSE; done"
)
_SIDE = f"""{ALIVE}
  side:
    build: {{type: packages, packages: [busybox-static]}}
    entrypoint: [/usr/bin/busybox]
    command: [sh, -c, %s]
    init: true
    stop: {{grace: 1s}}
    {ALIVE}
"""


class Listener:
    """A client that follows; keeps the numbers of each run of each container."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, list[int]]] = defaultdict(dict)
        self.heard = asyncio.Event()

    async def listen(self, node: TestNode, query: str) -> None:
        """Return when the node ends the stream."""
        connector = aiohttp.UnixConnector(str(node.socket))
        async with (
            aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout()) as session,
            session.get(f"http://localhost/logs?follow=1&{query}") as response,
        ):
            assert response.status == 200
            async for text in response.content:
                if text.strip():
                    value = json.loads(text)
                    assert "error" not in value, value
                    run, number = value["text"].split()
                    self.runs[value["container"]].setdefault(run, []).append(int(number))
                    self.heard.set()

    async def until(self, runs: int, *containers: str, lines: int = 20) -> None:
        """Return once each of the containers has been heard in that many runs, the last of them for a while."""
        async with asyncio.timeout(150):
            while any(
                len(self.runs[each]) < runs or len(list(self.runs[each].values())[-1]) < lines for each in containers
            ):
                self.heard.clear()
                await self.heard.wait()

    def check(self, container: str, written: list[str]) -> None:
        """From the first line that came, everything came that was written, once and in order."""
        heard = [f"{run} {number}" for run, numbers in self.runs[container].items() for number in numbers]
        begin = written.index(heard[0])
        assert heard == written[begin : begin + len(heard)]
        assert len(heard) == len(written) - begin, "all was heard to the end"


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[TestNode]:
    """A node with one app of two containers that talk."""
    remove_leftovers()
    write_talker(tmp_path, "1.0")
    async with running_node("logs", apps=tmp_path) as running:
        await running.install("talker")
        yield running


def write_talker(folder: Path, version: str) -> None:
    talk = json.dumps(
        _TALK.replace("PAUSE", "0.05" if version == "1.0" else "0.06")
    )  # so that containers are made anew
    side = _SIDE % talk
    write_app(folder, "talker", command=f"[sh, -c, {talk}]", health=side, version=version, grace="1s")


async def test_all_containers_are_followed_until_the_app_is_removed(node: TestNode) -> None:
    everything, side = Listener(), Listener()
    following = [
        asyncio.create_task(everything.listen(node, "app=talker&tail=3")),
        asyncio.create_task(side.listen(node, "app=talker&tail=0&container=side")),
    ]
    await everything.until(1, "main", "side")
    await node.done(await node.call("container-restart", app="talker"))
    await everything.until(2, "main", "side")
    podman("kill", "--signal", "KILL", "archipelago-talker--main")
    await everything.until(3, "main")
    os.kill(int((node.runtime / "podman.sock.pid").read_text()), signal.SIGKILL)
    before = len(list(everything.runs["main"].values())[-1])
    while len(list(everything.runs["main"].values())[-1]) < before + 100:  # each 20 lines are half a second
        everything.heard.clear()
        await asyncio.wait_for(everything.heard.wait(), 100)
    assert node.apps is not None
    write_talker(node.apps, "2.0")
    await node.done(await node.call("container-update", app="talker"))
    await everything.until(4, "main")
    await everything.until(3, "side")
    await node.done(await node.call("container-stop", app="talker"))
    assert not any(task.done() for task in following)
    await node.done(await node.call("container-start", app="talker"))
    await everything.until(5, "main")
    await everything.until(4, "side")
    logs = node.root / "apps" / "talker" / "logs"
    with (logs / "main.log").open() as main_log, (logs / "side.log").open() as side_log:
        await node.done(await node.call("container-remove", app="talker"))
        async with asyncio.timeout(100):
            await asyncio.gather(*following)
        main, sides = ([line.split(" ", 3)[3].strip() for line in log] for log in (main_log, side_log))
    everything.check("main", main)
    everything.check("side", sides)
    side.check("side", sides)
    assert set(side.runs) == {"side"}
    assert not logs.exists()


async def test_the_newest_lines_of_all_containers_come_in_order(node: TestNode) -> None:
    listener = Listener()
    following = asyncio.create_task(listener.listen(node, "app=talker"))
    await listener.until(1, "main", "side", lines=150)
    lines = await node.call("container-logs", app="talker", tail=100)
    assert len(lines) == 100
    assert {each["container"] for each in lines} == {"main", "side"}
    assert [each["at"] for each in lines] == sorted(each["at"] for each in lines)
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following


async def test_lines_that_come_too_fast_are_counted_where_they_are_missing(node: TestNode) -> None:
    assert node.apps is not None
    # Forty megabytes of text, which conmon spreads over more files than are kept for who reads slowly.
    count = 600_000
    say = f'BEGIN {{ for (i = 1; i <= {count}; i++) print "number " i ", and some words more" }}'
    # It begins when somebody listens: its installation is done a moment after its start.
    talk = f"until test -e /tmp/go; do busybox sleep 0.1; done; busybox awk '{say}'; busybox sleep 10000"
    write_app(node.apps, "fast", command=json.dumps(["sh", "-c", talk]), health=ALIVE)
    await node.install("fast")
    connector = aiohttp.UnixConnector(str(node.socket))
    came, missing, newest = 0, 0, 0
    async with (
        aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout()) as session,
        session.get("http://localhost/logs?follow=1&app=fast&tail=0") as response,
    ):
        await node.execute("fast", "busybox", "touch", "/tmp/go")
        async with asyncio.timeout(400):
            async for text in response.content:
                if not text.strip():
                    continue
                line = json.loads(text)
                number = int(line["text"].split()[1].rstrip(","))
                assert number == newest + line["missing"] + 1, "what is missing is counted exactly"
                came, missing, newest = came + 1, missing + line["missing"], number
                if number == count:
                    break
    assert came + missing == count
