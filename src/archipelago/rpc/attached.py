"""A command in a container that is typed to, over a WebSocket: the sibling of a terminal, for `archipelago exec -i`.

GET /exec?app=…&command=["sh"][&container=…][&tty=1&columns=…&rows=…][&stdin=1]. What the client sends in binary is
typed. A JSON text is `{"columns", "rows"}`, the size of its window, or `{"eof": true}`: nothing more is typed. What the
node sends in binary begins with a byte, 1 for standard output and 2 for standard error; the last message is a JSON
text, `{"exit_code"}` or `{"error"}`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

import structlog
from aiohttp import WSCloseCode, WSMsgType, web
from pydantic import Field, Json, ValidationError

from archipelago.container.engine import Engine
from archipelago.container.manifest.scalars import AppId, Name
from archipelago.container.podman_client.errors import PodmanError
from archipelago.container.podman_client.models import LogStream
from archipelago.container.podman_client.terminal import Terminal
from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.access import WEBSOCKET_PROTOCOL, Caller, require, require_alive, until_logged_out
from archipelago.rpc.errors import error_object, invalid_params
from archipelago.rpc.guard import CALLER, refusal
from archipelago.rpc.method import Params
from archipelago.rpc.params import Command
from archipelago.rpc.places import Places
from archipelago.rpc.protocol import encode
from archipelago.rpc.websocket import GOING_AWAY, LOGGED_OUT
from archipelago.security.audit_chain import Deed, Outcome
from archipelago.security.permissions import Permission

_MAX_MESSAGE = 64 << 10
_HEARTBEAT = 20.0
_CLOSE_TIMEOUT = 2.0
_ACTION = "container-exec"
_Switch = Literal["0", "1"]
_Side = Annotated[int, Field(ge=2, le=1000)]


class AttachParams(Params):
    """What is run, and where."""

    app: AppId
    command: Json[Command]
    container: Name | None = None
    tty: _Switch = "0"
    stdin: _Switch = "0"
    columns: _Side = 80
    rows: _Side = 24


class _Said(Params):
    """What a client says in a text."""

    columns: _Side | None = None
    rows: _Side | None = None
    eof: bool = False


class Attached:
    """Answers GET /exec; takes the places of terminals."""

    def __init__(self, engine: Engine, places: Places) -> None:
        self._engine = engine
        self._places = places
        self._open: set[web.WebSocketResponse] = set()
        self._log = structlog.get_logger("attached")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one command until it or its caller's session ends, or the caller hangs up, which ends it."""
        caller = request[CALLER]
        require(caller, Permission.EXECUTE)
        try:
            params = AttachParams.model_validate(dict(request.query))
        except ValidationError as error:
            return refusal(400, invalid_params(_ACTION, error))
        with self._places.take(caller):
            socket = web.WebSocketResponse(
                heartbeat=_HEARTBEAT, max_msg_size=_MAX_MESSAGE, timeout=_CLOSE_TIMEOUT, protocols=(WEBSOCKET_PROTOCOL,)
            )
            # First: of a handshake that is refused a WebSocket client is told no reason.
            await socket.prepare(request)
            self._open.add(socket)
            try:
                await self._serve(socket, caller, params)
            finally:
                self._open.discard(socket)
        return socket

    async def close(self) -> None:
        """End all commands."""
        await asyncio.gather(
            *(each.close(code=GOING_AWAY, message=b"the node stops") for each in tuple(self._open)),
            return_exceptions=True,
        )

    async def _serve(self, socket: web.WebSocketResponse, caller: Caller, params: AttachParams) -> None:
        code, reason = int(WSCloseCode.OK), b""
        last: dict[str, Any] = {}
        try:
            async with self._on_record(caller, params) as begun:
                last = await self._run(socket, caller, params, begun)
        except NodeError as error:
            last = {"error": error_object(error)}
        except PodmanError as error:
            last = {"error": error_object(NodeError(ErrorCode.PODMAN, f"Podman could not do it: {error}"))}
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                if last:
                    await socket.send_str(encode(last).decode())
                else:
                    code, reason = LOGGED_OUT, b"logged out"
                await socket.close(code=code, message=reason)

    async def _run(
        self, socket: web.WebSocketResponse, caller: Caller, params: AttachParams, begun: Callable[[], None]
    ) -> dict[str, Any]:
        """Return what is said at the end; nothing where the session of the caller ended, or he hung up."""
        require_alive(self._engine.login, caller)
        terminal = await self._engine.attach(
            params.app,
            params.command,
            container=params.container,
            size=(params.columns, params.rows) if params.tty == "1" else None,
            stdin=params.stdin == "1",
        )
        begun()
        try:
            require_alive(self._engine.login, caller)
            # Its output may end long before it does.
            follow = asyncio.create_task(_follow(terminal, socket))
            ends = [
                asyncio.create_task(until_logged_out(self._engine.login, caller)),
                follow,
                asyncio.create_task(_type(terminal, socket)),
            ]
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in ends:
                    task.cancel()
                await asyncio.gather(*ends, return_exceptions=True)
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                return {"exit_code": follow.result()}
            return {}
        finally:
            await asyncio.shield(terminal.close())

    @asynccontextmanager
    async def _on_record(self, caller: Caller, params: AttachParams) -> AsyncIterator[Callable[[], None]]:
        """Write down that a command is run, before it is, and how that ended; yield what is told that it has begun."""
        more = len(params.command) - 1
        program = params.command[0] + (f" and {more} more" if more else "")
        subject = {"app": params.app, "command": program}
        subject |= {"container": params.container} if params.container else {}
        deed = Deed(who=caller.name, origin=caller.origin, action=_ACTION, subject=subject, outcome=Outcome.BEGUN)
        number = await self._engine.record(deed)
        outcome, detail = Outcome.FAILED, ""

        def begun() -> None:
            nonlocal outcome
            outcome = Outcome.DONE

        try:
            yield begun
        except NodeError as error:
            outcome, detail = Outcome.REFUSED, error.code.value
            raise
        finally:
            end = {"outcome": outcome, "detail": detail, "began": number}
            try:
                await self._engine.record(deed.model_copy(update=end))
            except NodeError as error:
                self._log.error("the end of a command is not in the audit log", began=number, error=str(error))


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
