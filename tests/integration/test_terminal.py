"""A terminal in a container of a real node, over a WebSocket."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from archipelago.rpc.streams.terminals import MOST
from support.harness import TestNode, remove_leftovers, running_node
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

PATIENCE = 100.0
"""Seconds for what takes a few on a busy machine."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with an app whose image has a shell, and one whose image has none but busybox."""
    remove_leftovers()
    catalog = tmp_path_factory.mktemp("catalog")
    write_app(catalog, "shell", packages="busybox-static, dash")
    write_app(catalog, "bare")
    async with running_node("terminal", apps=catalog) as running:
        for app in ("shell", "bare"):
            await running.install(app)
            await running.until(app, "healthy")
        yield running


@asynccontextmanager
async def terminal(node: TestNode, app: str, **size: int) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    connector = aiohttp.UnixConnector(str(node.socket))
    async with (
        aiohttp.ClientSession("http://localhost", connector=connector) as session,
        session.ws_connect("/terminal", params={"app": app, **size}) as socket,
    ):
        yield socket


async def shown(socket: aiohttp.ClientWebSocketResponse, wanted: bytes) -> bytes:
    """Read until something is shown."""
    seen = b""
    async with asyncio.timeout(PATIENCE):
        while wanted not in seen:
            message = await socket.receive()
            assert message.type is aiohttp.WSMsgType.BINARY, (seen, message)
            seen += message.data
    return seen


async def ended(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    async with asyncio.timeout(PATIENCE):
        while (await socket.receive()).type is aiohttp.WSMsgType.BINARY:
            pass
    return socket.close_code


async def running(text: str) -> bool:
    """Tell whether a process whose command line holds `text` runs on this host."""
    return await asyncio.to_thread(
        lambda: any(text.encode() in _command_line(one) for one in Path("/proc").iterdir() if one.name.isdigit())
    )


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("app", ["shell", "bare"])
async def test_what_is_typed_is_run_and_exit_ends_it(node: TestNode, app: str) -> None:
    async with terminal(node, app) as socket:
        await socket.send_bytes(b"echo $((20+22))_is_it\n")
        await shown(socket, b"42_is_it")
        await socket.send_bytes(b"exit\n")
        assert await ended(socket) == 1000


async def test_it_has_the_size_of_the_window(node: TestNode) -> None:
    async with terminal(node, "shell", columns=101, rows=33) as socket:
        await socket.send_bytes(until_size(33, 101))
        await shown(socket, b"33x101")
        await socket.send_str('{"columns": 64, "rows": 20}')
        await socket.send_bytes(until_size(20, 64))
        await shown(socket, b"20x64")


def until_size(rows: int, columns: int) -> bytes:
    """Return what to type to see `ROWSxCOLUMNS` once a terminal has this size; the echo does not show it."""
    size = f'until [ "$(/usr/bin/busybox stty size)" = "{rows} {columns}" ]; do /usr/bin/busybox sleep 0.1; done'
    return f"{size}; echo $(({rows}))x{columns}\n".encode()


async def test_hanging_up_leaves_nothing_running(node: TestNode) -> None:
    mark = f"sleep 98{os.getpid()}"
    async with terminal(node, "shell") as socket:
        await socket.send_bytes(f"echo $((1+1))here; exec /usr/bin/busybox {mark}\n".encode())
        await shown(socket, b"2here")
        async with asyncio.timeout(PATIENCE):
            while not await running(mark.replace(" ", "\0")):
                await asyncio.sleep(0.05)  # the kernel tells nobody that a program began
    async with asyncio.timeout(PATIENCE):
        while await running(mark.replace(" ", "\0")):
            await asyncio.sleep(0.05)


async def test_it_is_on_record(node: TestNode) -> None:
    async with terminal(node, "bare") as socket:
        await socket.send_bytes(b"exit\n")
        await ended(socket)
    async with asyncio.timeout(PATIENCE):
        while (await newest_entry(node, "bare"))["outcome"] != "done":
            await asyncio.sleep(0.05)  # what is left of the terminal is looked for before its end is written down


async def newest_entry(node: TestNode, app: str) -> dict[str, Any]:
    """Return what was written last about terminals of an app; the end of another one may be written meanwhile."""
    found = await node.call("audit-show", limit=20)
    entries = [one for one in found if one["action"] == "terminal" and one["subject"] == {"app": app}]
    return max(entries, key=lambda one: int(one["sequence"]))


async def test_what_cannot_be_is_refused(node: TestNode) -> None:
    for parameters, status in (
        ({"app": "nobody"}, 404),
        ({"app": "bare", "columns": "0"}, 400),
        ({"app": "../x"}, 400),
        ({"app": "bare", "container": "none"}, 404),
        ({}, 400),
    ):
        connector = aiohttp.UnixConnector(str(node.socket))
        async with aiohttp.ClientSession("http://localhost", connector=connector) as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect("/terminal", params=parameters)
            assert 400 <= caught.value.status < 500, (parameters, status, caught.value.status)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{node.port}") as stranger:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await stranger.ws_connect("/terminal", params={"app": "bare"})
        assert caught.value.status == 401


async def until_none_is_open(node: TestNode) -> None:
    """Return once the node has ended all terminals: what is left of one is looked for when nobody sees it any more."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = [one for one in await node.call("audit-show", limit=500) if one["action"] == "terminal"]
            if {one["sequence"] for one in found if one["outcome"] == "begun"} <= {one["began"] for one in found}:
                return
            await asyncio.sleep(0.05)


async def test_there_are_never_too_many(node: TestNode) -> None:
    await until_none_is_open(node)
    opened = []
    try:
        for _ in range(MOST):
            manager = terminal(node, "bare")
            await manager.__aenter__()
            opened.append(manager)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with terminal(node, "bare"):
                pass
    finally:
        for manager in opened:
            await manager.__aexit__(None, None, None)
