"""A terminal in a container over a WebSocket: bytes both ways, and a JSON text `{"columns", "rows"}` for its size."""

import asyncio
import contextlib
from collections.abc import Callable

from aiohttp import WSCloseCode, WSMsgType, web
from pydantic import ValidationError

from archipelago.api.services.apps import ShellService
from archipelago.container.manifest.model.scalars import AppId, Name
from archipelago.container.podman_client.exec.terminal import Terminal
from archipelago.rpc.access import Caller, require, require_alive, until_logged_out
from archipelago.rpc.errors import invalid_params
from archipelago.rpc.method import Params
from archipelago.rpc.params import Side
from archipelago.rpc.server.guard import CALLER, refusal
from archipelago.rpc.streams.typed_session import (
    CLOSE_TIMEOUT,
    TypedSessions,
    new_socket,
    on_record,
    until_the_first_ends,
)
from archipelago.rpc.streams.websocket import LOGGED_OUT
from archipelago.storage.records.permissions import Permission

MOST = 8
"""Terminals that one account may have open at the same time."""
MOST_IN_ALL = 16
_ACTION = "terminal"


class Size(Params):
    """How many characters a terminal has."""

    columns: Side
    rows: Side


class TerminalParams(Params):
    """Where a terminal is opened."""

    app: AppId
    container: Name | None = None
    """Container of the app; its first one when left out."""
    columns: Side = 80
    rows: Side = 24


class Terminals(TypedSessions):
    """Answers GET /terminal?app=…[&container=…][&columns=…][&rows=…], a WebSocket."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one terminal until its program or its caller's session ends, or the caller hangs up."""
        caller = request[CALLER]
        require(caller, Permission.EXECUTE)
        try:
            params = TerminalParams.model_validate(dict(request.query))
        except ValidationError as error:
            return refusal(400, invalid_params(_ACTION, error))
        # Taken before anything is waited for: many who ask at once must not all see a place that is free.
        with self._places.take(caller):
            return await self._open_one(request, caller, params)

    async def _open_one(self, request: web.Request, caller: Caller, params: TerminalParams) -> web.StreamResponse:
        subject = {"app": params.app} | ({"container": params.container} if params.container else {})
        async with on_record(self._audit, caller, _ACTION, subject) as opened:
            require_alive(self._login, caller)
            terminal = await self._services.of(ShellService).terminal(
                params.app, params.container, params.columns, params.rows
            )
            try:
                require_alive(self._login, caller)
                return await self._serve(request, terminal, opened)
            finally:
                await asyncio.shield(terminal.close())

    async def _serve(self, request: web.Request, terminal: Terminal, opened: Callable[[], None]) -> web.StreamResponse:
        socket = new_socket()
        await socket.prepare(request)
        opened()
        self._open.add(socket)
        code, reason = int(WSCloseCode.OK), b""
        try:
            # First: what is typed before the next look at the session must not count.
            logged_out, *_ = await until_the_first_ends(
                until_logged_out(self._login, request[CALLER]), _show(terminal, socket), _type(terminal, socket)
            )
            if not logged_out.cancelled():
                code, reason = LOGGED_OUT, b"logged out"
        finally:
            self._open.discard(socket)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await socket.close(code=code, message=reason)
        return socket


async def _show(terminal: Terminal, socket: web.WebSocketResponse) -> None:
    """Send what the terminal shows; a client that does not read slows the program down."""
    with contextlib.suppress(ConnectionError):
        while shown := await terminal.read():
            await socket.send_bytes(shown)


async def _type(terminal: Terminal, socket: web.WebSocketResponse) -> None:
    """Pass on what is typed, and each new size; anything else ends the terminal."""
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await terminal.write(message.data)
        elif message.type is WSMsgType.TEXT:
            try:
                size = Size.model_validate_json(message.data)
            except ValidationError:
                return
            await terminal.resize(size.columns, size.rows)
        else:
            return
