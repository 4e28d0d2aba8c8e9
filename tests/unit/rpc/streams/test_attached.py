"""Commands that are typed to over a WebSocket: who may not go on does not, whatever the command does."""

import asyncio
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from archipelago.api.services.apps import ShellService
from archipelago.api.services.registry import Services
from archipelago.api.services.security import AuditService
from archipelago.container.podman_client.exec.session_end import ExecSession, ExecSessions
from archipelago.container.podman_client.exec.terminal import Terminal
from archipelago.container.podman_client.models import LogStream
from archipelago.container.podman_client.wire.transport import Transport
from archipelago.rpc.access import WEBSOCKET_PROTOCOL, Caller
from archipelago.rpc.server.guard import CALLER
from archipelago.rpc.streams.attached import Attached
from archipelago.rpc.streams.places import Places
from archipelago.rpc.streams.websocket import LOGGED_OUT
from archipelago.security.login.login import Login
from archipelago.storage.records.permissions import Permission


class Silent:
    """A command that closes its outputs and runs on, as a daemon does."""

    def __init__(self) -> None:
        self.runs_on, self.closed = asyncio.Event(), asyncio.Event()

    async def read_output(self) -> tuple[LogStream, bytes] | None:
        return None

    async def exit_code(self) -> int:
        self.runs_on.set()
        await asyncio.Event().wait()
        return 0

    async def close(self) -> None:
        self.closed.set()


class SilentNode:
    """Runs that command, and is its own login."""

    def __init__(self) -> None:
        self.terminal, self.logged_out = Silent(), asyncio.Event()

    async def record(self, _deed: object) -> int:
        return 1

    async def attach(self, *_what: object, **_how: object) -> Silent:
        return self.terminal

    def is_alive(self, _session: str) -> bool:
        return not self.logged_out.is_set()

    async def until_ended(self, _session: str) -> None:
        await self.logged_out.wait()


@pytest.mark.parametrize("end", ["logs out", "hangs up"])
async def test_a_command_without_outputs_ends_with_its_callers_session(end: str) -> None:
    node = SilentNode()
    found = cast(Any, node)
    services = Services().provide(ShellService, found).provide(AuditService, found).provide(Login, found)
    attached = Attached(services, Places("terminals", 2, 2))
    caller = Caller(name="owner", origin="here", permissions=frozenset(Permission), session="s")

    async def handle(request: web.Request) -> web.StreamResponse:
        request[CALLER] = caller
        return await attached.handle(request)

    app = web.Application()
    app.router.add_get("/exec", handle)
    async with TestClient(TestServer(app)) as client, asyncio.timeout(10):
        query = {"app": "app", "command": '["daemon"]'}
        socket = await client.ws_connect("/exec", params=query, protocols=(WEBSOCKET_PROTOCOL,))
        await node.terminal.runs_on.wait()
        if end == "logs out":
            node.logged_out.set()
            await socket.receive()
            assert socket.close_code == LOGGED_OUT
        else:
            await socket.close()
        await node.terminal.closed.wait()


class Writer:
    """Takes nothing."""

    def close(self) -> None: ...


class Endless:
    """Sessions that do not end by themselves; remembers which were ended."""

    def __init__(self) -> None:
        self.waits, self.ended = asyncio.Event(), False

    async def exit_code(self, *_: object) -> int:
        self.waits.set()
        await asyncio.Event().wait()
        return 0

    async def end(self, _session: ExecSession) -> None:
        self.ended = True


async def test_one_whose_exit_code_is_not_awaited_to_the_end_is_killed() -> None:
    sessions, reader = Endless(), asyncio.StreamReader()
    reader.feed_eof()
    session = ExecSession("e", "m", "c")
    terminal = Terminal(cast(Transport, None), cast(ExecSessions, sessions), session, reader, cast(Any, Writer()))
    assert await terminal.read_output() is None
    waiting = asyncio.create_task(terminal.exit_code())
    await sessions.waits.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await terminal.close()
    assert sessions.ended
