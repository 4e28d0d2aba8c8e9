"""Where Caddy asks who may pass to an app that is behind the node's login: a unix socket that no one else can open."""

import asyncio
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from aiohttp import web

from archipelago.network.app_entry import AppEntry, EntryAnswer, Question
from archipelago.network.drivers.caddy.guarded_site import CHECK, ENTER
from archipelago.rpc.server.heads import MAX_FIELD
from archipelago.rpc.server.listening import open_unix, remove_unix

_SHUTDOWN_TIMEOUT = 2.0
_SERVER = ("Server", "archipelago")


class GuardSocket:
    """Answers as long as it is open."""

    def __init__(self, entry: AppEntry) -> None:
        self._entry = entry
        self._answers: Mapping[str, Callable[[Question], EntryAnswer]] = {CHECK: entry.check, ENTER: entry.enter}
        self._runner: web.ServerRunner | None = None
        self._unix: tuple[Path, socket.socket, int] | None = None
        self._chore: asyncio.Task[None] | None = None

    async def start(self, path: Path) -> None:
        """Listen; raises `NodeError`."""
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True, mode=0o700)
        listener = await open_unix(path, mode=0o600)
        runner = web.ServerRunner(
            web.Server(self._serve, access_log=None, max_field_size=MAX_FIELD), shutdown_timeout=_SHUTDOWN_TIMEOUT
        )
        self._unix = (path, listener, (await asyncio.to_thread(path.lstat)).st_ino)
        self._runner = runner
        await runner.setup()
        await web.SockSite(runner, listener).start()
        self._chore = asyncio.create_task(self._entry.follow())

    async def stop(self) -> None:
        """Answer no longer; safe to call twice, or without `start`."""
        runner, self._runner = self._runner, None
        unix, self._unix = self._unix, None
        if self._chore is not None:
            self._chore.cancel()
        if runner is not None:
            await runner.cleanup()
        if unix is not None:
            await asyncio.to_thread(remove_unix, *unix)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = self._answers.get(request.path)
        if answer is None:
            return web.Response(status=404)
        headers: dict[str, str] = {}
        for name, text in request.headers.items():
            key = name.lower()
            headers[key] = f"{headers[key]},{text}" if key in headers else text
        said = answer(Question(headers))
        return web.Response(status=said.status, headers=(*said.headers, _SERVER), text=said.body or None)
