"""Bounds the head of a request as a whole: aiohttp bounds each field and their number, and the product is no bound.

A field may be large because a browser sends all cookies of a host to each of its ports. An app can set 180 of 4 kB
(RFC 6265bis, 5.7; Chromium and Firefox), and must not keep the owner out by that.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.web_protocol import RequestHandler

MAX_FIELD = 1 << 20
"""Largest header field, in bytes."""
MAX_HEAD = MAX_FIELD + (64 << 10)
"""Largest head of a request, in bytes, and as much behind its body (trailers; RFC 9112, 7.1.2)."""
_TOO_LARGE = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
_REFUSAL = f"HTTP/1.1 {_TOO_LARGE} {_TOO_LARGE.phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


class BoundedHandler(RequestHandler):
    """Serves one connection; one that goes on and on with neither a new request nor more of a body is ended."""

    __slots__ = ("_body", "_unused")

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._unused = 0
        """Bytes since there was one or the other: of a head that is not complete, or of trailers."""
        self._body: StreamReader | None = None
        """Body of the newest request."""

    def data_received(self, data: bytes) -> None:
        """Take in what has come."""
        before = (self._request_count, self._body_size())
        super().data_received(data)
        if self._request_count != before[0] and self._messages:
            self._body = self._messages[-1][1]
        if (self._request_count, self._body_size()) != before or self._upgraded:
            self._unused = 0
            return
        self._unused += len(data)
        if self._unused > MAX_HEAD and self.transport is not None:
            if not self._request_in_progress:
                self.transport.write(_REFUSAL)
            self.force_close()

    def _body_size(self) -> int:
        return self._body.total_bytes if self._body is not None else 0


class BoundedRunner(web.AppRunner):
    """Runs an application whose connections are served by `BoundedHandler`."""

    async def _make_server(self) -> web.Server:
        return _Bounded(await super()._make_server())


class _Bounded(web.Server):
    def __init__(self, plain: web.Server) -> None:
        super().__init__(
            plain.request_handler,
            request_factory=plain.request_factory,
            handler_cancellation=plain.handler_cancellation,
            loop=asyncio.get_running_loop(),
            **plain._kwargs,
        )

    def __call__(self) -> RequestHandler:
        return BoundedHandler(self, loop=self._loop, **self._kwargs)
