"""A terminal in a container over a WebSocket: bytes both ways, and a JSON text `{"columns", "rows"}` for its size."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated

import structlog
from aiohttp import WSCloseCode, WSMsgType, web
from pydantic import Field, ValidationError

from archipelago.container.engine import Engine
from archipelago.container.manifest.scalars import AppId, Name
from archipelago.container.podman_client.terminal import Terminal
from archipelago.errors import NodeError
from archipelago.rpc.access import WEBSOCKET_PROTOCOL, Caller, require, require_alive, until_logged_out
from archipelago.rpc.errors import invalid_params
from archipelago.rpc.guard import CALLER, refusal
from archipelago.rpc.method import Params
from archipelago.rpc.places import Places
from archipelago.rpc.websocket import GOING_AWAY, LOGGED_OUT
from archipelago.security.audit_chain import Deed, Outcome
from archipelago.security.permissions import Permission

MOST = 8
"""Terminals that one account may have open at the same time."""
MOST_IN_ALL = 16
_MAX_MESSAGE = 64 << 10
_HEARTBEAT = 20.0
_CLOSE_TIMEOUT = 2.0
_ACTION = "terminal"


class Size(Params):
    """How many characters a terminal has."""

    columns: Annotated[int, Field(ge=2, le=1000)]
    rows: Annotated[int, Field(ge=2, le=1000)]


class TerminalParams(Params):
    """Where a terminal is opened."""

    app: AppId
    container: Name | None = None
    """Container of the app; its first one when left out."""
    columns: Annotated[int, Field(ge=2, le=1000)] = 80
    rows: Annotated[int, Field(ge=2, le=1000)] = 24


class Terminals:
    """Answers GET /terminal?app=…[&container=…][&columns=…][&rows=…], a WebSocket."""

    def __init__(self, engine: Engine, places: Places) -> None:
        self._engine = engine
        self._places = places
        self._open: set[web.WebSocketResponse] = set()
        self._log = structlog.get_logger("terminals")

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
        async with self._on_record(caller, params) as opened:
            require_alive(self._engine.login, caller)
            terminal = await self._engine.terminal(
                params.app, container=params.container, columns=params.columns, rows=params.rows
            )
            try:
                require_alive(self._engine.login, caller)
                return await self._serve(request, terminal, opened)
            finally:
                await asyncio.shield(terminal.close())

    async def close(self) -> None:
        """Close all terminals."""
        await asyncio.gather(
            *(each.close(code=GOING_AWAY, message=b"the node stops") for each in tuple(self._open)),
            return_exceptions=True,
        )

    @asynccontextmanager
    async def _on_record(self, caller: Caller, params: TerminalParams) -> AsyncIterator[Callable[[], None]]:
        """Write down that a terminal is opened, before it is, and how it ended; yield what is told that it is open.

        One that never opened is refused where the node said no, and has failed otherwise: Podman did not do it, or the
        caller was gone before.
        """
        subject = {"app": params.app} | ({"container": params.container} if params.container else {})
        deed = Deed(who=caller.name, origin=caller.origin, action=_ACTION, subject=subject, outcome=Outcome.BEGUN)
        began = await self._engine.record(deed)
        outcome, detail = Outcome.FAILED, ""

        def opened() -> None:
            nonlocal outcome
            outcome = Outcome.DONE

        try:
            yield opened
        except NodeError as error:
            outcome, detail = Outcome.REFUSED, error.code.value
            raise
        finally:
            try:
                await self._engine.record(
                    deed.model_copy(update={"outcome": outcome, "detail": detail, "began": began})
                )
            except NodeError as error:
                self._log.error("the end of a terminal is not in the audit log", began=began, error=str(error))

    async def _serve(self, request: web.Request, terminal: Terminal, opened: Callable[[], None]) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            heartbeat=_HEARTBEAT, max_msg_size=_MAX_MESSAGE, timeout=_CLOSE_TIMEOUT, protocols=(WEBSOCKET_PROTOCOL,)
        )
        await socket.prepare(request)
        opened()
        self._open.add(socket)
        # First: what is typed before the next look at the session must not count.
        logged_out = asyncio.create_task(until_logged_out(self._engine.login, request[CALLER]))
        ends = [
            logged_out,
            asyncio.create_task(_show(terminal, socket)),
            asyncio.create_task(_type(terminal, socket)),
        ]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._open.discard(socket)
            for task in ends:
                task.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
            code, reason = (WSCloseCode.OK, b"") if logged_out.cancelled() else (LOGGED_OUT, b"logged out")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_TIMEOUT):
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
