"""Logs as a stream of JSON lines, for clients without a WebSocket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog
from aiohttp import web
from pydantic import ValidationError

from archipelago.api.containers import LogLine
from archipelago.api.services.apps import AppReportService, LogService
from archipelago.api.services.registry import Services
from archipelago.errors import NodeError
from archipelago.rpc.access import require, require_alive, until_logged_out
from archipelago.rpc.errors import INVALID_PARAMS, RpcError, error_object, internal_error, invalid_params
from archipelago.rpc.methods.apps.containers import LogsParams
from archipelago.rpc.protocol import encode
from archipelago.rpc.server.guard import CALLER, refusal
from archipelago.rpc.streams.places import Places
from archipelago.security.login.login import Login
from archipelago.storage.records.permissions import Permission
from archipelago.support.texts.text import msg

_KEEP_ALIVE = 15.0
"""Seconds between empty lines while an app is silent, which find out clients that are gone."""


class LogStreams:
    """Answers GET /logs?app=…[&container=…][&tail=…][&follow=1]: one `LogLine` a line."""

    def __init__(self, services: Services, places: Places) -> None:
        self._services = services
        self._login = services.of(Login)
        self._places = places
        self._open: set[asyncio.Task[object]] = set()
        self._log = structlog.get_logger("streams")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one client; a log that breaks off ends with a line `{"error": …}`."""
        require(request[CALLER], Permission.READ)
        try:
            params, follow = _read(request)
        except RpcError as error:
            return refusal(400, error)
        if not follow:
            lines = await self._services.of(LogService).logs(params.app, params.container, params.tail)
            require_alive(self._login, request[CALLER])
            body = b"".join(encode(line) + b"\n" for line in lines)
            return web.Response(body=body, content_type="application/x-ndjson")
        # An unknown app is refused before the stream starts.
        await self._services.of(AppReportService).health(params.app)
        task = asyncio.current_task()
        assert task is not None
        with self._places.take(request[CALLER]):
            self._open.add(task)
            try:
                return await self._follow(request, params)
            finally:
                self._open.discard(task)

    def close(self) -> None:
        """End all streams."""
        for task in tuple(self._open):
            task.cancel()

    async def _follow(self, request: web.Request, params: LogsParams) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        ended = asyncio.create_task(until_logged_out(self._login, request[CALLER]))
        lines = self._services.of(LogService).follow_logs(params.app, params.container, params.tail)
        with contextlib.suppress(ConnectionError):
            try:
                async with contextlib.aclosing(lines):
                    await _pass_on(lines, response, ended)
            except NodeError as error:
                await response.write(encode({"error": error_object(error)}) + b"\n")
            except ConnectionError:
                raise
            except Exception:
                self._log.exception("a log stream failed", app=params.app)
                await response.write(encode({"error": error_object(internal_error())}) + b"\n")
            finally:
                ended.cancel()
            await response.write_eof()
        return response


async def _pass_on(
    lines: AsyncIterator[tuple[LogLine, ...]], response: web.StreamResponse, ended: asyncio.Task[None]
) -> None:
    """Pass lines on until there are no more, or the session has ended."""

    async def next_lines() -> tuple[LogLine, ...] | None:
        return await anext(lines, None)

    waiting: asyncio.Task[tuple[LogLine, ...] | None] | None = None
    try:
        while True:
            waiting = waiting or asyncio.create_task(next_lines())
            done, _ = await asyncio.wait({waiting, ended}, timeout=_KEEP_ALIVE, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return
            if not done:
                await response.write(b"\n")
                continue
            found, waiting = waiting.result(), None
            if found is None:
                return
            await response.write(b"".join(encode(line) + b"\n" for line in found))
    finally:
        if waiting is not None:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)


def _read(request: web.Request) -> tuple[LogsParams, bool]:
    """Return the parameters and whether to follow; raises `RpcError`."""
    query: dict[str, object] = dict(request.query)
    follow = query.pop("follow", "0")
    if len(query) + ("follow" in request.query) != len(request.query) or follow not in ("0", "1"):
        raise RpcError(INVALID_PARAMS, msg("follow is 0 or 1, and no parameter comes twice"))
    tail = query.get("tail")
    if isinstance(tail, str) and tail.isascii() and tail.isdigit() and len(tail) <= 9:
        query["tail"] = int(tail)
    try:
        return LogsParams.model_validate(query), follow == "1"
    except ValidationError as error:
        raise invalid_params("logs", error) from error
