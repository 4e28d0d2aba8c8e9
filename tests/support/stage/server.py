"""Serves stages to a browser, at the address that a node has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import WSMsgType, web

from support.everybody import AXE
from support.stage.stage import Reply, Stage

ADDRESS = "localhost:8480"
ORIGIN = f"http://{ADDRESS}"
AXE_ADDRESS = "/axe.js"
EMPTY = "/empty"
"""The address of a page that has nothing, whatever is shown."""


class StageServer:
    """Serves one stage after the other: the one that is shown."""

    def __init__(self) -> None:
        self._shown: Stage | None = None

    @asynccontextmanager
    async def showing(self, stage: Stage) -> AsyncIterator[None]:
        """Serve a stage for as long as the block takes."""
        assert self._shown is None, "a browser has one address for all stages, so it can show one at a time"
        self._shown = stage
        try:
            yield
        finally:
            self._shown = None

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Listen on loopback; return the port."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        stage = self._shown
        if request.path == EMPTY:
            return web.Response(text="", content_type="text/html")
        if request.path == AXE_ADDRESS:
            headers = {"Cache-Control": "max-age=31536000, immutable"}
            return web.Response(text=AXE, content_type="text/javascript", headers=headers)
        if stage is None:
            return web.Response(status=503)
        if request.path == "/ws/v1":
            return await _speak(stage, request)
        fetched = request.headers.get("Sec-Fetch-Dest") == "empty"
        reply = stage.reply(request.path, await request.text(), fetched=fetched)
        if reply is None:
            if request.transport is not None:
                request.transport.abort()
            reply = Reply(status=503)
        return web.Response(body=reply.body, status=reply.status, headers=reply.headers)


async def _speak(stage: Stage, request: web.Request) -> web.StreamResponse:
    """Speak on a WebSocket until one of both ends it."""
    if not stage.reachable:
        return web.Response(status=503)
    offered = [one.strip() for one in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    line = web.WebSocketResponse(protocols=offered)
    await line.prepare(request)
    stage.lines.add(line)
    try:
        async for message in line:
            if message.type is not WSMsgType.TEXT:
                continue
            for said in stage.heard(message.data):
                with suppress(ConnectionResetError):
                    await line.send_str(said)
    finally:
        stage.lines.discard(line)
    return line
