"""A command in a container that is typed to, over a WebSocket: the sibling of a terminal, for `archipelago exec -i`.

GET /exec?app=…&command=["sh"][&container=…][&tty=1&columns=…&rows=…][&stdin=1]. What the client sends in binary is
typed. A JSON text is `{"columns", "rows"}`, the size of its window, or `{"eof": true}`: nothing more is typed. What the
node sends in binary starts with a byte, 1 for standard output and 2 for standard error; the last message is a JSON
text, `{"exit_code"}` or `{"error"}`.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Literal

from aiohttp import WSCloseCode, WSMsgType, web
from pydantic import Json, ValidationError

from archipelago.api.services.apps import ShellService
from archipelago.container.manifest.model.scalars import AppId, Name
from archipelago.container.podman_client.errors import PodmanError
from archipelago.container.podman_client.exec.terminal import Terminal
from archipelago.container.podman_client.models import LogStream
from archipelago.errors import NodeError
from archipelago.rpc.access import Caller, require, require_alive, until_logged_out
from archipelago.rpc.errors import error_object, invalid_params, podman_failed
from archipelago.rpc.method import Params
from archipelago.rpc.params import Command, Side
from archipelago.rpc.protocol import encode
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

_ACTION = "container-exec"
_Switch = Literal["0", "1"]


class AttachParams(Params):
    """What is run, and where."""

    app: AppId
    command: Json[Command]
    container: Name | None = None
    tty: _Switch = "0"
    stdin: _Switch = "0"
    columns: Side = 80
    rows: Side = 24


class _Said(Params):
    """What a client says in a text."""

    columns: Side | None = None
    rows: Side | None = None
    eof: bool = False


class Attached(TypedSessions):
    """Answers GET /exec; takes the places of terminals."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one command until it or its caller's session ends, or the caller hangs up, which ends it."""
        caller = request[CALLER]
        require(caller, Permission.EXECUTE)
        try:
            params = AttachParams.model_validate(dict(request.query))
        except ValidationError as error:
            return refusal(400, invalid_params(_ACTION, error))
        with self._places.take(caller):
            socket = new_socket()
            # First: a WebSocket client does not learn why a handshake was refused.
            await socket.prepare(request)
            self._open.add(socket)
            try:
                await self._serve(socket, caller, params)
            finally:
                self._open.discard(socket)
        return socket

    async def _serve(self, socket: web.WebSocketResponse, caller: Caller, params: AttachParams) -> None:
        code, reason = int(WSCloseCode.OK), b""
        last: dict[str, Any] = {}
        try:
            async with on_record(self._audit, caller, _ACTION, _subject(params)) as begun:
                last = await self._run(socket, caller, params, begun)
        except NodeError as error:
            last = {"error": error_object(error)}
        except PodmanError as error:
            last = {"error": error_object(podman_failed(error))}
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                if last:
                    await socket.send_str(encode(last).decode())
                else:
                    code, reason = LOGGED_OUT, b"logged out"
                await socket.close(code=code, message=reason)

    async def _run(
        self, socket: web.WebSocketResponse, caller: Caller, params: AttachParams, begun: Callable[[], None]
    ) -> dict[str, Any]:
        """Return what is said at the end; nothing where the session of the caller ended, or he hung up."""
        require_alive(self._login, caller)
        terminal = await self._services.of(ShellService).attach(
            params.app,
            params.command,
            params.container,
            (params.columns, params.rows) if params.tty == "1" else None,
            stdin=params.stdin == "1",
        )
        begun()
        try:
            require_alive(self._login, caller)
            # Its output may end long before it does.
            follow, *_ = await until_the_first_ends(
                _follow(terminal, socket), until_logged_out(self._login, caller), _type(terminal, socket)
            )
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                return {"exit_code": follow.result()}
            return {}
        finally:
            await asyncio.shield(terminal.close())


def _subject(params: AttachParams) -> dict[str, str]:
    """Return what the audit log says of a command: its program alone, since arguments may be secrets."""
    more = len(params.command) - 1
    subject = {"app": params.app, "command": params.command[0] + (f" and {more} more" if more else "")}
    return subject | ({"container": params.container} if params.container else {})


async def _follow(terminal: Terminal, socket: web.WebSocketResponse) -> int:
    """Send what the command writes, and return its exit code; a client that does not read slows it down."""
    while (found := await terminal.read_output()) is not None:
        stream, data = found
        await socket.send_bytes((b"\2" if stream is LogStream.STDERR else b"\1") + data)
    return await terminal.exit_code()


async def _type(terminal: Terminal, socket: web.WebSocketResponse) -> None:
    """Pass on what is typed, its end, and each new size; anything else ends the command."""
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await terminal.write(message.data)
            continue
        if message.type is not WSMsgType.TEXT:
            return
        try:
            said = _Said.model_validate_json(message.data)
        except ValidationError:
            return
        if said.eof:
            await terminal.end_input()
        if said.columns is not None and said.rows is not None:
            await terminal.resize(said.columns, said.rows)
