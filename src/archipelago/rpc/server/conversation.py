"""One connection to the server, between the socket and aiohttp: what the other side does, and until when it may.

aiohttp bounds neither the time of a head nor that of an answer which nobody reads, and has a handler and a task for
each connection. Here one that says nothing costs next to nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import hdrs, web

from archipelago.rpc.server.patience import Patience
from archipelago.support.connections.crowd import Crowd, Guest, Standing

LARGEST = 3 << 20
"""Bytes that may come for one request, in its head and its body together, before an answer is on its way."""
_FOREVER = float("inf")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Conversation(asyncio.Protocol):
    """Serves one connection by the protocol that `make` returns, which it does not make before there is a byte."""

    def __init__(self, make: Callable[[], asyncio.Protocol], patience: Patience, crowd: Crowd, guest: Guest) -> None:
        self._make = make
        self._patience = patience
        self._times = patience.times
        self._crowd = crowd
        self._guest = guest
        self._loop = asyncio.get_running_loop()
        self._inner: asyncio.Protocol | None = None
        self._is_busy = False
        self._is_counted = True
        self._head_until = self._loop.time() + self._times.head
        self._idle_until = _FOREVER
        self._read_until = _FOREVER
        self._gone_until = _FOREVER
        self.transport: asyncio.Transport | None = None
        """None before the connection is made, and once it is lost."""
        self.unfinished = 0
        """Bytes that came since the last answer."""

    # --- what aiohttp's handlers say ----------------------------------------------------------------------------------

    def begin(self, *, is_open_end: bool) -> None:
        """Take note that the head of a request is complete; `is_open_end` where what follows has no end."""
        self._is_busy = True
        self._is_counted = not is_open_end
        self._head_until = self._idle_until = _FOREVER
        self._stand(Standing.READING)

    def recognise(self, account: str) -> None:
        """Take note whose the request is; an unknown client's where `account` is empty."""
        self._crowd.recognise(self._guest, account)
        self._stand(Standing.READING)

    def has_read(self) -> None:
        """Take note that the request is here as a whole."""
        self._stand(Standing.ANSWERING)

    def finish(self, *, is_last: bool) -> None:
        """Take note that there is an answer; `is_last` where what comes after it is dropped."""
        self._is_busy = False
        self._is_counted = not is_last
        self._patience.answered(self)
        idle = self._times.idle_known if self._guest.account else self._times.idle
        self._idle_until = self._loop.time() + idle
        self._stand(Standing.IDLE)

    def _stand(self, as_unknown: Standing) -> None:
        known = Standing.SERVED if self._is_busy else Standing.KNOWN
        self._crowd.move(self._guest, known if self._guest.account else as_unknown, self._loop.time())

    # --- what the watcher asks ----------------------------------------------------------------------------------------

    @property
    def waits_since(self) -> float:
        """Since when the connection has its standing."""
        return self._guest.since

    @property
    def is_known(self) -> bool:
        """Whether somebody has shown who he is."""
        return bool(self._guest.account)

    @property
    def unread(self) -> int:
        """Bytes that the other side has not taken yet."""
        return self.transport.get_write_buffer_size() if self.transport is not None else 0

    def is_overdue(self, now: float) -> bool:
        """Return whether the other side has taken too long over something."""
        if self.transport is not None and self.transport.is_closing() and self._gone_until == _FOREVER:
            self._gone_until = now + self._times.farewell
        return now > min(self._head_until, self._idle_until, self._read_until, self._gone_until)

    def end(self) -> None:
        """End the connection at once: what was not taken yet is dropped."""
        if self.transport is not None:
            # `close` would wait until what is to be written has been taken, which is up to the other side.
            self.transport.abort()

    # --- asyncio.Protocol ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start."""
        self.transport = cast(asyncio.Transport, transport)
        self._guest.end = self.transport.abort
        self._patience.add(self)

    def data_received(self, data: bytes) -> None:
        """Pass on what has come, unless it is too much."""
        if self.transport is None or self.transport.is_closing():
            return
        if not self._is_busy and self._idle_until != _FOREVER:
            self._idle_until = _FOREVER
            self._head_until = self._loop.time() + self._times.head
        if self._is_counted:
            self._patience.took(self, len(data))
            if self.unfinished > LARGEST:
                self.end()
        if self.transport.is_closing():
            return
        if self._inner is None:
            self._inner = self._make()
            self._inner.connection_made(self.transport)
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass on that nothing more comes."""
        return self._inner.eof_received() if self._inner is not None else None

    def pause_writing(self) -> None:
        """Take note that the other side does not take what it asked for."""
        self._read_until = self._loop.time() + self._times.reader + self.unread / self._times.slowest
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Take note that it did."""
        self._read_until = _FOREVER
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """End."""
        self.transport = None
        self._patience.remove(self)
        self._crowd.leave(self._guest)
        if self._inner is not None:
            self._inner.connection_lost(error)


def conversation_of(request: web.Request) -> Conversation | None:
    """Return the connection that a request came on; None once it is lost."""
    transport = request.transport
    protocol = transport.get_protocol() if transport is not None else None
    return protocol if isinstance(protocol, Conversation) else None


@web.middleware
async def attend(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keep account of a request on its connection. Comes before everything else that is done for it."""
    conversation = conversation_of(request)
    if conversation is None:
        return await handler(request)
    conversation.begin(is_open_end=request.method == hdrs.METH_GET and hdrs.UPGRADE in request.headers)
    response = None
    try:
        response = await handler(request)
        return response
    finally:
        conversation.finish(is_last=response is not None and response.keep_alive is False)


def recognise(request: web.Request, account: str) -> None:
    """Take note whose a request is; an unknown client's where `account` is empty."""
    if (conversation := conversation_of(request)) is not None:
        conversation.recognise(account)
        if not request.body_exists:
            conversation.has_read()


def has_read(request: web.Request) -> None:
    """Take note that a request is here as a whole."""
    if (conversation := conversation_of(request)) is not None:
        conversation.has_read()
