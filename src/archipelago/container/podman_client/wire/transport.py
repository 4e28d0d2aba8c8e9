"""HTTP over Podman's socket: calls with a bound on time and size, streams, and errors with a type."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from archipelago.container.podman_client.errors import (
    BadRequest,
    NameMismatch,
    PodmanCall,
    PodmanError,
    PodmanFailure,
    PodmanPanic,
    PodmanTimeout,
    PodmanUnavailable,
    ReplyTooLarge,
    error_from_reply,
    error_from_text,
    stale_mount,
)
from archipelago.container.podman_client.service import PodmanService
from archipelago.container.podman_client.wire.requests import is_safe_name
from archipelago.container.podman_client.wire.streams import JsonLines, StreamBroken

# Every Podman from 4.0 to 5.x answers this version of the API.
_BASE = "http://podman/v4.0.0/libpod"
_CONNECT_TIMEOUT = 10.0
_CALL_TIMEOUT = 60.0
_PAUSES_AFTER_PANIC = (0.05, 0.2)
"""Seconds before a call that may be done twice is done again."""
_DEADLOCKED = 3
"""Calls in a row without an answer after which the service is started again; a ping it might still answer."""
_MAX_REPLY = 64 * 1024 * 1024
_MAX_ERROR = 256 * 1024
_CHUNK = 64 * 1024

Params = Mapping[str, str | int | bool | list[str] | None]


class Transport:
    """One pool of connections to one service."""

    def __init__(self, service: PodmanService) -> None:
        self._service = service
        self._session: aiohttp.ClientSession | None = None
        self._unanswered = 0
        """Calls in a row that should take no time and got no answer."""

    @property
    def service(self) -> PodmanService:
        """The service at the other end."""
        return self._service

    async def close(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session:
            await session.close()

    async def request(
        self,
        method: str,
        path: str,
        call: PodmanCall,
        *,
        params: Params | None = None,
        body: object = None,
        idempotent: bool | None = None,
        timeout: float | None = _CALL_TIMEOUT,
        success: frozenset[int] = frozenset(),
    ) -> tuple[int, bytes]:
        """Do one call and return status and body; statuses outside 2xx, 304 and `success` raise.

        A call that may be done twice is done again, once, when the connection fails; so is any other that never left.
        """
        repeatable = method in ("GET", "HEAD", "DELETE") if idempotent is None else idempotent
        try:
            answer = await self._request_once(method, path, call, params, body, timeout, success)
            self._unanswered = 0
            return answer
        except PodmanTimeout:
            if timeout == _CALL_TIMEOUT:
                await self._no_answer()
            raise
        except PodmanPanic:
            if not repeatable:
                raise
            return await self._again_after_panic(method, path, call, params, body, timeout, success)
        except PodmanUnavailable as error:
            if not repeatable and not isinstance(error.__cause__, aiohttp.ClientConnectorError):
                raise
        except PodmanError as error:
            # A Podman that was killed at the wrong moment leaves a layer mounted that it has started to remove. Until
            # that is undone, it cannot read its own storage, and every call fails.
            if (left := stale_mount(str(error))) is None or not await self._service.unmount(left):
                raise
            return await self._request_once(method, path, call, params, body, timeout, success)
        await self._service.ensure()
        return await self._request_once(method, path, call, params, body, timeout, success)

    async def _again_after_panic(self, *request: Any) -> tuple[int, bytes]:
        # Podman 4.3 looks at an image while another one with the same layers is stored, and finds half of it.
        for pause in _PAUSES_AFTER_PANIC:
            await asyncio.sleep(pause)
            with contextlib.suppress(PodmanPanic):
                return await self._request_once(*request)
        return await self._request_once(*request)

    async def _no_answer(self) -> None:
        self._unanswered += 1
        if self._unanswered >= _DEADLOCKED:
            self._unanswered = 0
            await self._service.restart()

    async def json(self, method: str, path: str, call: PodmanCall, **options: Any) -> Any:
        """Do one call and read its reply as JSON; an empty reply is None."""
        status, body = await self.request(method, path, call, **options)
        return parse(call, body, status)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        call: PodmanCall,
        *,
        params: Params | None = None,
        body: object = None,
        data: Any = None,
        content_type: str | None = None,
        idle: float | None = None,
        begin: float | None = _CALL_TIMEOUT,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a call whose reply goes on; `begin` bounds the wait for its head, `idle` that between pieces."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT, sock_read=idle)
        headers = {"Content-Type": content_type} if content_type else None
        with translated(call):
            request = self._pool().request(
                method, f"{_BASE}{path}", params=_query(params), json=body, data=data, timeout=timeout, headers=headers
            )
            async with asyncio.timeout(begin):
                response = await request
        try:
            if response.status >= 300:
                with translated(call):
                    content = await _read(call, response, _MAX_ERROR)
                raise error_from_reply(call, response.status, content)
            yield _pieces(call, response)
        finally:
            # Streams are broken off, never read to their end for the sake of the connection.
            response.close()

    async def _request_once(
        self,
        method: str,
        path: str,
        call: PodmanCall,
        params: Params | None,
        body: object,
        timeout: float | None,
        success: frozenset[int],
    ) -> tuple[int, bytes]:
        limits = aiohttp.ClientTimeout(total=timeout, sock_connect=_CONNECT_TIMEOUT)
        with translated(call):
            async with self._pool().request(
                method, f"{_BASE}{path}", params=_query(params), json=body, timeout=limits
            ) as response:
                content = await _read(call, response, _MAX_REPLY)
        if response.status < 300 or response.status == 304 or response.status in success:
            return response.status, content
        raise error_from_reply(call, response.status, content)

    def _pool(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            connector = aiohttp.UnixConnector(path=str(self._service.socket_path), limit=0, keepalive_timeout=30)
            self._session = aiohttp.ClientSession(
                connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


class translated:
    """Turn aiohttp's errors into ours."""

    def __init__(self, call: PodmanCall) -> None:
        self._call = call

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, TimeoutError):
            raise PodmanTimeout(self._call, "no answer in time") from error
        if isinstance(error, (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, ConnectionError)):
            raise PodmanUnavailable(self._call, f"the service went away: {error}") from error
        if isinstance(error, aiohttp.ClientError):
            raise PodmanFailure(self._call, f"the reply makes no sense: {error}") from error


async def objects(call: PodmanCall, pieces: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    """Read a stream of JSON objects; one that is cut off raises PodmanUnavailable."""
    reader = JsonLines()
    try:
        async for piece in pieces:
            for value in reader.feed(piece):
                yield value
        for value in reader.flush():
            yield value
    except StreamBroken as error:
        raise PodmanUnavailable(call, f"the stream is broken: {error}") from error


def parse(call: PodmanCall, body: bytes, status: int | None = None) -> Any:
    """Read a reply as JSON; an empty one is None."""
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except ValueError as error:
        raise PodmanFailure(call, f"the reply is not JSON: {body[:200]!r}", status=status) from error


def named(call: PodmanCall, name: str) -> str:
    """Return a name as part of a path; raise BadRequest for one that Podman could take for the start of an ID."""
    if not is_safe_name(name):
        raise BadRequest(call, f"{name!r} is no full name: too short an ID, or letters that no name may hold")
    return name


def same_name(call: PodmanCall, asked: str, answered: str, *ids: str) -> None:
    """Raise NameMismatch when Podman answered for another thing than the one that was asked for."""
    if asked not in (answered, *ids):
        raise NameMismatch(call, f"Podman answered for {answered!r}")


def inner_error(call: PodmanCall, found: object, status: int) -> PodmanError | None:
    """Find the error that a reply of success carries inside: `{Err: …}`, in a list or alone."""
    for item in found if isinstance(found, list) else [found]:
        for key in ("Err", "Error", "error"):
            value = item.get(key) if isinstance(item, dict) else None
            # An error that Go writes as JSON is often an empty object: its being there is all that it says.
            if value is not None and value != "":
                text = value if isinstance(value, str) else json.dumps(value) if value else "Podman gives no reason"
                return error_from_text(call, text, status=status)
    return None


def _query(params: Params | None) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in (params or {}).items():
        if value is None:
            continue
        for item in value if isinstance(value, list) else [value]:
            pairs.append((key, str(item).lower() if isinstance(item, bool) else str(item)))
    return pairs


async def _read(call: PodmanCall, response: aiohttp.ClientResponse, limit: int) -> bytes:
    content = bytearray()
    async for piece in response.content.iter_chunked(_CHUNK):
        content += piece
        if len(content) > limit:
            raise ReplyTooLarge(call, f"the reply is larger than {limit} bytes", status=response.status)
    return bytes(content)


async def _pieces(call: PodmanCall, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    with translated(call):
        async for piece in response.content.iter_any():
            yield piece
