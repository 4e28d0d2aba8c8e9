"""The RPC server: HTTP and WebSocket on loopback, for whoever logs in, and on a unix socket, for the owner."""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Collection
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

from aiohttp import web
from aiohttp.http import HttpProcessingError

from archipelago.api.services.node import TrustService
from archipelago.api.services.registry import Services
from archipelago.api.services.security import AuditService
from archipelago.errors import NodeError
from archipelago.rpc.access import LOOPBACK_NAMES, Gate
from archipelago.rpc.errors import INVALID_REQUEST, RpcError
from archipelago.rpc.method import Method
from archipelago.rpc.methods.table import all_methods
from archipelago.rpc.openrpc import Description
from archipelago.rpc.protocol import Dispatcher
from archipelago.rpc.refusals import Refusals
from archipelago.rpc.server.conversation import Conversation, attend, has_read
from archipelago.rpc.server.guard import (
    CALLER,
    MAX_BODY,
    MAX_UNKNOWN_BODY,
    PAGE,
    Guard,
    add_headers,
    expect_continue,
    refusal,
    too_large,
)
from archipelago.rpc.server.heads import MAX_FIELD, BoundedRunner
from archipelago.rpc.server.icons import Icons
from archipelago.rpc.server.listening import open_port, open_unix, peer_uid, port_unusable, remove_unix
from archipelago.rpc.server.patience import Patience
from archipelago.rpc.server.public import PublicFiles
from archipelago.rpc.server.ui import Page, read_page
from archipelago.rpc.streams.attached import Attached
from archipelago.rpc.streams.logs import LogStreams
from archipelago.rpc.streams.places import Places
from archipelago.rpc.streams.terminals import MOST, MOST_IN_ALL, Terminals
from archipelago.rpc.streams.websocket import SocketHub
from archipelago.security.login.login import Login
from archipelago.support.connections.crowd import Crowd, Guest, Standing
from archipelago.support.connections.descriptors import Shares, limit
from archipelago.support.connections.descriptors import shares as share_out
from archipelago.support.connections.listener import Listener, listening_socket
from archipelago.support.texts.text import msg

_CHANGE_TIMEOUT = 10.0
_SHUTDOWN_TIMEOUT = 2.0
_FAREWELL = 1.0
_FEWEST = 4
"""Connections that each address may have in any case."""
_COMPRESSED_FROM = 1024
"""Size of an answer from which it is compressed, for those who take that."""
_COMPRESSED_ASIDE = 32 << 10
"""Size of an answer from which a thread compresses it."""
_LINGER = 5.0
"""Seconds for which the rest of a refused body is read and dropped, so that the client sees the refusal."""


class RpcServer:
    """Lets callers ask the services of a node.

    Whoever of `owners`, users of this host, calls on the unix socket is the owner.
    """

    def __init__(
        self,
        services: Services,
        owners: Collection[int],
        methods: tuple[Method, ...] | None = None,
        patience: Patience | None = None,
        ui: Path | None = None,
        connections: Shares | None = None,
    ) -> None:
        self._refusals = refusals = Refusals(services.of(AuditService).record)
        self._owners = frozenset(owners)
        self._patience = patience or Patience()
        self._shares = share_out(limit()) if connections is None else connections
        self._local = Crowd(self._shares.local, max(_FEWEST, self._shares.local // 4))
        self._guard = Guard(Gate(services.of(Login), owners, time.monotonic), refusals)
        methods = methods or all_methods()
        self._description = Description(methods)
        self._dispatcher = Dispatcher(services, methods, refusals)
        streams = self._shares.streams
        followed = Places(msg("logs that are followed"), streams, streams // 2)
        self._sockets = SocketHub(services, Places(msg("WebSockets"), streams, streams // 2), followed)
        self._streams = LogStreams(services, followed)
        typed_to = Places(msg("terminals"), MOST_IN_ALL, MOST)
        self._terminals = Terminals(services, typed_to)
        self._attached = Attached(services, typed_to)
        self._icons = Icons(services)
        self._public = PublicFiles(services)
        self._ui = ui
        self._https_port = services.of(TrustService).https_port if TrustService in services else None
        self._page = Page({}, self._https_port)
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._unix: tuple[Path, socket.socket, int] | None = None
        self._front: dict[IPv4Address, Listener] = {}
        self._listeners: list[Listener] = []
        self._chores: list[asyncio.Task[None]] = []

    @property
    def port(self) -> int:
        """Port on loopback; 0 before `start`."""
        return self._port

    async def start(self, unix_socket: Path, port: int) -> None:
        """Listen; raises `NodeError` when the port or the socket is taken, and then listens nowhere."""
        if self._ui is not None:
            self._page = await asyncio.to_thread(read_page, self._ui, self._https_port)
        listener = open_port(port)
        try:
            unix = await open_unix(unix_socket)
        except BaseException:
            listener.close()
            raise
        inode = (await asyncio.to_thread(unix_socket.lstat)).st_ino
        self._unix = (unix_socket, unix, inode)
        self._port = int(listener.getsockname()[1])
        # A caller who hangs up ends his question; changes are shielded (see `Dispatcher`).
        self._runner = BoundedRunner(
            self._application(),
            max_field_size=MAX_FIELD,
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            lingering_time=_LINGER,
            shutdown_timeout=_SHUTDOWN_TIMEOUT,
            logger=_quiet_logger(),
        )
        await self._runner.setup()
        on_loopback = Crowd(self._shares.loopback, self._shares.loopback)
        on_unix = Crowd(self._shares.unix, max(_FEWEST, self._shares.unix * 3 // 4))
        self._listeners = [
            Listener(listener, on_loopback, partial(self._converse, on_loopback)),
            Listener(unix, on_unix, partial(self._converse, on_unix), who=self._by_user),
        ]
        self._chores = [
            asyncio.create_task(self._patience.watch()),
            asyncio.create_task(self._refusals.keep_summing_up()),
        ]

    async def front(
        self, addresses: Collection[IPv4Address], names: Collection[str], context: ssl.SSLContext
    ) -> dict[IPv4Address, NodeError]:
        """Listen on these addresses of the local network by TLS, and on no others; return where that is not possible.

        Connections to an address that is given up end soon, once who gave it up there has read the answer.
        """
        assert self._runner is not None
        for address in set(self._front) - set(addresses):
            await self._front.pop(address).close()
            asyncio.get_running_loop().call_later(_FAREWELL, self._hang_up, str(address))
        self._guard.names = LOOPBACK_NAMES | set(names) | set(map(str, addresses))
        refused = {}
        for address in sorted(set(addresses) - set(self._front)):
            try:
                listener = listening_socket(address, self._port)
            except OSError as error:
                refused[address] = port_unusable(self._port, str(address), error)
                continue
            make = partial(self._converse, self._local)
            self._front[address] = Listener(listener, self._local, make, context=context)
        return refused

    def call_by(self, names: frozenset[str]) -> None:
        """Let the page be called by these onion names, besides those of this host."""
        self._guard.onion_names = names

    def _converse(self, crowd: Crowd, guest: Guest) -> Conversation:
        assert self._runner is not None and self._runner.server is not None
        return Conversation(self._runner.server, self._patience, crowd, guest)

    def _by_user(self, connection: socket.socket, _: object) -> tuple[str, Standing]:
        uid = peer_uid(connection)
        return f"user {uid}", Standing.KNOWN if uid in self._owners else Standing.WAITING

    def _hang_up(self, address: str) -> None:
        for conversation in self._patience:
            transport = conversation.transport
            if transport is not None and (transport.get_extra_info("sockname") or ("",))[0] == address:
                transport.close()

    async def stop(self) -> None:
        """Stop listening and let go of all clients; safe to call twice, or without `start`."""
        runner, self._runner = self._runner, None
        unix, self._unix = self._unix, None
        for chore in self._chores:
            chore.cancel()
        if runner is not None:
            await asyncio.gather(*(each.close() for each in (*self._listeners, *self._front.values())))
            await self._sockets.close()
            await self._terminals.close()
            await self._attached.close()
            self._streams.close()
            await self._dispatcher.close(_CHANGE_TIMEOUT)
            await runner.cleanup()
            self._patience.end_all()
            await self._refusals.sum_up()
        if unix is not None:
            await asyncio.to_thread(partial(remove_unix, *unix))

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[attend, self._guard.check], client_max_size=MAX_BODY)
        application.on_response_prepare.append(add_headers)
        routes = application.router
        routes.add_route("POST", "/rpc/v1", self._rpc, expect_handler=expect_continue)
        routes.add_get("/ws/v1", self._sockets.handle, allow_head=False, expect_handler=expect_continue)
        routes.add_get("/terminal", self._terminals.handle, allow_head=False, expect_handler=expect_continue)
        routes.add_get("/exec", self._attached.handle, allow_head=False, expect_handler=expect_continue)
        routes.add_get("/logs", self._streams.handle, allow_head=False, expect_handler=expect_continue)
        routes.add_get("/icons/{app:[a-z0-9-]{1,40}}", self._icons.serve, expect_handler=expect_continue)
        screenshots = "/screenshots/{app:[a-z0-9-]{1,40}}/{name:[a-z0-9-]{1,40}.png}"
        routes.add_get(screenshots, self._icons.serve_screenshot, expect_handler=expect_continue)
        public = "/certificate{name:(/[a-zA-Z.-]{1,40})?}"
        routes.add_get(public, self._public.serve, expect_handler=expect_continue)
        routes.add_get("/healthz", self._healthz, expect_handler=expect_continue)
        routes.add_get("/openrpc.json", self._openrpc, expect_handler=expect_continue)
        routes.add_get("/{path:(?!rpc/v1$).*}", self._page.serve, name=PAGE, expect_handler=expect_continue)
        return application

    async def _rpc(self, request: web.Request) -> web.StreamResponse:
        caller = request[CALLER]
        most = MAX_UNKNOWN_BODY if caller.visitor is None else MAX_BODY
        if request.content_length is not None and request.content_length > most:
            return too_large(most)
        if len(request.headers.getall("Content-Type", [])) != 1 or request.content_type != "application/json":
            # Browsers send other types across origins without asking first.
            return refusal(415, RpcError(INVALID_REQUEST, msg("Content-Type must be application/json")))
        try:
            async with asyncio.timeout(self._patience.times.body):
                body = await (request.clone(client_max_size=most) if caller.visitor is None else request).read()
        except web.HTTPRequestEntityTooLarge:
            return too_large(most)
        except TimeoutError:
            reason = msg("the body did not arrive in {seconds} s", seconds=f"{self._patience.times.body:.0f}")
            response = refusal(408, RpcError(INVALID_REQUEST, reason))
            response.force_close()
            return response
        has_read(request)
        answer = await self._dispatcher.answer(body, caller)
        if answer is None:
            response = web.Response(status=204)
        else:
            response = web.Response(body=answer, content_type="application/json", zlib_executor_size=_COMPRESSED_ASIDE)
            if len(answer) > _COMPRESSED_FROM:
                response.enable_compression()
        return response

    async def _healthz(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text="ok\n")

    async def _openrpc(self, _: web.Request) -> web.StreamResponse:
        return web.Response(body=await self._description.text(), content_type="application/json")


def _quiet_logger() -> logging.Logger:
    """Return a log for aiohttp in which requests that are no HTTP leave no traceback: they have had their answer."""
    logger = logging.getLogger("archipelago.rpc.http")
    if not logger.filters:
        logger.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError)))
    return logger
