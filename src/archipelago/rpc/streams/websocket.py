"""One WebSocket per client: events and logs as they come, as JSON-RPC notifications."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Literal

import structlog
from aiohttp import WSMsgType, web
from pydantic import Field, TypeAdapter, ValidationError

from archipelago.api.events import Event
from archipelago.api.services.apps import LogService
from archipelago.api.services.node import EventService
from archipelago.api.services.registry import Services
from archipelago.container.manifest.model.scalars import AppId, Name
from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.access import WEBSOCKET_PROTOCOL, require, require_alive
from archipelago.rpc.errors import (
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    RpcError,
    error_object,
    internal_error,
    invalid_params,
)
from archipelago.rpc.method import Params
from archipelago.rpc.params import Number, Revision, Tail
from archipelago.rpc.protocol import Call, encode, failure, parse_body, parse_call, request_id, success
from archipelago.rpc.server.guard import CALLER
from archipelago.rpc.streams.places import Places
from archipelago.security.login.login import Login
from archipelago.storage.records.permissions import Permission
from archipelago.support.texts.text import msg

TOO_SLOW = 4008
"""Close code for a client that does not read what it subscribed to."""
GOING_AWAY = 1001
LOGGED_OUT = 4401
"""Close code when the client's session has ended."""
MAX_SUBSCRIPTIONS = 32
_MAX_MESSAGE = 64 << 10
_HEARTBEAT = 20.0
_CLOSE_TIMEOUT = 2.0
_FLUSH_TIMEOUT = 30.0


class EventsSubscription(Params):
    """Everything that changes."""

    kind: Literal["events"]
    since: Revision | None = None
    """Start after this revision; from now on when left out."""


class LogsSubscription(Params):
    """The log of an app, then every new line."""

    kind: Literal["logs"]
    app: AppId
    container: Name | None = None
    """One container of the app; all of them when left out."""
    tail: Tail = 100
    """Number of lines that come first."""


class Unsubscription(Params):
    """A subscription that ends."""

    subscription: Number
    """What `subscribe` returned."""


Subscription = Annotated[EventsSubscription | LogsSubscription, Field(discriminator="kind")]


class SocketHub:
    """All WebSockets of the server, so that they can be closed with it."""

    def __init__(
        self, services: Services, places: Places, logs: Places, *, queue: int = 256, patience: float = 10.0
    ) -> None:
        self._services = services
        self._places = places
        self._logs = logs
        self._queue = queue
        self._patience = patience
        self._clients: set[_Client] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one client until it leaves."""
        require(request[CALLER], Permission.READ)
        with self._places.take(request[CALLER]):
            client = _Client(self._services, request, self._logs, self._queue, self._patience)
            self._clients.add(client)
            try:
                return await client.serve()
            finally:
                self._clients.discard(client)

    async def close(self) -> None:
        """Close all WebSockets."""
        await asyncio.gather(*(client.close(GOING_AWAY, "the node stops") for client in tuple(self._clients)))


class _Client:
    """One WebSocket: a reader, a writer, and a task per subscription that fills the writer's bounded queue."""

    def __init__(self, services: Services, request: web.Request, logs: Places, queue: int, patience: float) -> None:
        self._services = services
        self._login = services.of(Login)
        self._logs = logs
        self._request = request
        self._patience = patience
        # Not compressed: the kernel's buffers would hold so many lines that whoever reads them seems not to.
        self._socket = web.WebSocketResponse(
            heartbeat=_HEARTBEAT,
            max_msg_size=_MAX_MESSAGE,
            timeout=_CLOSE_TIMEOUT,
            compress=False,
            protocols=(WEBSOCKET_PROTOCOL,),
        )
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(queue)
        self._subscriptions: dict[int, asyncio.Task[None]] = {}
        self._number = 0
        self._closing: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._wanted: TypeAdapter[EventsSubscription | LogsSubscription] = TypeAdapter(Subscription)
        self._log = structlog.get_logger("websocket")

    async def serve(self) -> web.StreamResponse:
        await self._socket.prepare(self._request)
        writer = asyncio.create_task(self._write())
        self._reader = asyncio.create_task(self._read())
        leave = asyncio.create_task(self._until_logged_out())
        try:
            await asyncio.wait({self._reader})
            if not self._reader.cancelled() and (error := self._reader.exception()) is not None:
                self._log.error("a client could not be served", exc_info=error)
        finally:
            if self._closing is not None:
                await self._closing  # the code must be on its way before everything is torn down
            tasks = (*self._subscriptions.values(), writer, self._reader, leave)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self._socket

    async def _until_logged_out(self) -> None:
        session = self._request[CALLER].session
        if session:
            await self._login.until_ended(session)
            # What a client has not read is not for it any more; to close takes a while where it does not read.
            for task in tuple(self._subscriptions.values()):
                task.cancel()
            while not self._queue.empty():
                self._queue.get_nowait()
            await self.close(LOGGED_OUT, "logged out")

    async def close(self, code: int, reason: str) -> None:
        """Close with a code; the first one counts."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(code, reason))
        await asyncio.shield(self._closing)

    async def _close(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self._socket.close(code=code, message=reason.encode())
        except TimeoutError:
            # The code waits behind what the client has not read; should it never read, that is dropped.
            if (transport := self._request.transport) is not None:
                transport.close()
                asyncio.get_running_loop().call_later(_FLUSH_TIMEOUT, transport.abort)
            if self._reader is not None:
                self._reader.cancel()

    async def _read(self) -> None:
        with contextlib.suppress(_TooSlow):
            async for message in self._socket:
                if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    break
                await self._send(self._answer(message.data))

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await self._socket.send_str((await self._queue.get()).decode())

    async def _send(self, value: dict[str, Any] | None) -> None:
        """Queue a message; a client that leaves the queue full for too long is closed."""
        if value is None:
            return
        try:
            async with asyncio.timeout(self._patience):
                await self._queue.put(encode(value))
        except TimeoutError:
            await self.close(TOO_SLOW, "too slow")
            raise _TooSlow from None

    def _answer(self, body: bytes | str) -> dict[str, Any] | None:
        value: Any = None
        try:
            value = parse_body(body)
            if isinstance(value, list):
                raise RpcError(INVALID_REQUEST, msg("a WebSocket takes no batches"))
            call = parse_call(value)
            result = self._perform(call)
            return None if call.notification else success(call.id, result)
        except (RpcError, NodeError) as error:
            return failure(request_id(value), error)

    def _perform(self, call: Call) -> object:
        require_alive(self._login, self._request[CALLER])
        try:
            if call.method == "subscribe":
                return self._subscribe(self._wanted.validate_python(call.params))
            if call.method == "unsubscribe":
                return self._unsubscribe(Unsubscription.model_validate(call.params).subscription)
        except ValidationError as error:
            raise invalid_params(call.method, error) from error
        hint = msg("a WebSocket takes subscribe and unsubscribe; send everything else to POST /rpc/v1")
        raise RpcError(METHOD_NOT_FOUND, msg("there is no method {method}", method=f"{call.method[:60]!r}"), hint=hint)

    def _subscribe(self, wanted: EventsSubscription | LogsSubscription) -> dict[str, int]:
        if len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
            raise NodeError(
                ErrorCode.BUSY,
                msg("a client has at most {most} subscriptions", most=MAX_SUBSCRIPTIONS),
                hint=msg("unsubscribe first"),
            )
        place = contextlib.ExitStack()
        if isinstance(wanted, LogsSubscription):
            place.enter_context(self._logs.take(self._request[CALLER]))
        self._number += 1
        events = self._services.of(EventService)
        revision = events.revision
        if isinstance(wanted, EventsSubscription):
            # The revision is taken here and not when the task runs: nothing may slip through in between.
            since = revision if wanted.since is None else wanted.since
            work = self._feed(self._number, "event", _one_by_one(events.follow(since)))
        else:
            lines = self._services.of(LogService).follow_logs(wanted.app, wanted.container, wanted.tail)
            work = self._feed(self._number, "log", lines)
        task = self._subscriptions[self._number] = asyncio.create_task(work)
        task.add_done_callback(lambda _: place.close())
        return {"subscription": self._number, "revision": revision}

    def _unsubscribe(self, number: int) -> bool:
        task = self._subscriptions.pop(number, None)
        if task is not None:
            task.cancel()
        return task is not None

    async def _feed(self, number: int, kind: str, source: AsyncGenerator[tuple[object, ...], None]) -> None:
        """Pass on what a subscription yields, and say when it ends."""
        end: dict[str, object] = {"subscription": number}
        try:
            async with contextlib.aclosing(source):
                async for items in source:
                    for item in items:
                        await self._send(_notification(kind, {"subscription": number, kind: item}))
        except _TooSlow:
            return
        except NodeError as error:
            end["error"] = error_object(error)
        except Exception:
            self._log.exception("a subscription failed", kind=kind)
            end["error"] = error_object(internal_error())
        self._subscriptions.pop(number, None)
        with contextlib.suppress(_TooSlow):
            await self._send(_notification("ended", end))


async def _one_by_one(source: AsyncGenerator[Event, None]) -> AsyncGenerator[tuple[Event], None]:
    async with contextlib.aclosing(source):
        async for item in source:
            yield (item,)


class _TooSlow(Exception):
    """The client does not read; it has been closed."""


def _notification(method: str, params: dict[str, object]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params}
