"""Asks a server for pages and files, by HTTPS and within limits. Nothing that comes is executed."""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import aiohttp

from archipelago.support.connections.connection_words import connection_words
from archipelago.support.texts.text import msg

_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=30, sock_read=60)
_ATTEMPTS = 3
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PIECE = 256 * 1024
CONNECTIONS = 16
"""Files that are asked for at once."""


class DownloadFailure(Exception):
    """A server does not give what was asked for; the text says why."""


class _Broken(Exception):
    """A connection that ended early: what is missing can be asked for again."""


class Downloads:
    """A session with one server, at a URL.

    Only HTTPS, with the certificates of the system; plain HTTP only with a server that is itself reached so.
    """

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base.rstrip("/") + "/"

    def url(self, path: str) -> str:
        """Return the URL of a path below the server's own."""
        return urljoin(self._base, path)

    async def page(self, url: str, headers: Mapping[str, str], most: int, refusal: Callable[[], str]) -> bytes | None:
        """Return a page, None where there is none; `refusal` says that it has more than `most` bytes.

        Raises `DownloadFailure`.
        """
        for last in _attempts():
            try:
                return await self._page(url, headers, most, refusal)
            except _Broken as error:
                if last:
                    raise DownloadFailure(str(error)) from error
        raise AssertionError

    async def _page(self, url: str, headers: Mapping[str, str], most: int, refusal: Callable[[], str]) -> bytes | None:
        page = bytearray()
        async with self._get(url, headers) as response:
            if response.status == 404:
                return None
            _expect(response, 200)
            async for piece in _pieces(response):
                page += piece
                if len(page) > most:
                    raise DownloadFailure(refusal())
        return bytes(page)

    async def file(self, url: str, name: str, target: Path, most: int) -> str:
        """Write a file of at most `most` bytes, and return its SHA-256 in hexadecimal.

        Raises `DownloadFailure` and OSError.
        """
        digest = hashlib.sha256()
        with await asyncio.to_thread(target.open, "xb") as output:
            size = 0
            for last in _attempts():
                try:
                    async for piece in self._rest(url, name, size):
                        size += len(piece)
                        if size > most:
                            raise DownloadFailure(
                                msg("{filename} has more than {file} bytes", filename=name, file=most)
                            )
                        await asyncio.to_thread(_append, output, digest, piece)
                    break
                except _Broken as error:
                    if last:
                        raise DownloadFailure(str(error)) from error
        return digest.hexdigest()

    async def _rest(self, url: str, name: str, start: int) -> AsyncIterator[bytes]:
        """Yield a file from a byte on."""
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        async with self._get(url, headers) as response:
            if start and response.status == 416:
                return  # it was complete, and the connection broke at its very end
            if start and response.status == 200:
                raise DownloadFailure(
                    msg("the connection broke and it cannot send the rest of {filename}", filename=name)
                )
            _expect(response, 206 if start else 200)
            async for piece in _pieces(response):
                yield piece

    @asynccontextmanager
    async def _get(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        for _ in range(_MOST_REDIRECTS):
            # Before each request: a redirect must not lead to what only this host reaches.
            if not url.startswith("https://") and _origin(url) != _origin(self._base):
                raise DownloadFailure(msg("it leads to {url}, without TLS", url=f"{url[:200]!r}"))
            try:
                response = await self._session.get(url, headers=headers, allow_redirects=False)
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                raise _Broken(connection_words(error)) from error
            async with response:
                if response.status not in _REDIRECTS:
                    yield response
                    return
                url = joined(url, response.headers.get("Location", ""))
        raise DownloadFailure(msg("it redirects too often"))


@asynccontextmanager
async def open_downloads(base: str) -> AsyncIterator[Downloads]:
    """Yield a session with the server at a URL, through the proxy that the environment names."""
    context = await asyncio.to_thread(ssl.create_default_context)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=context)
    async with aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=True, connector=connector) as session:
        yield Downloads(session, base)


def joined(base: str, reference: str) -> str:
    """Return the URL to which a reference on a page leads. Raises `DownloadFailure`."""
    try:
        return urljoin(base, reference)
    except ValueError:
        raise DownloadFailure(
            msg("it leads to {reference}, which is no URL", reference=f"{reference[:200]!r}")
        ) from None


def _attempts() -> list[bool]:
    """Return for each attempt whether it is the last."""
    return [number == _ATTEMPTS - 1 for number in range(_ATTEMPTS)]


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _expect(response: aiohttp.ClientResponse, status: int) -> None:
    if response.status >= 500:
        raise _Broken(f"it answers with status {response.status}")
    if response.status != status:
        raise DownloadFailure(msg("it answers with status {status}", status=response.status))


async def _pieces(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for piece in response.content.iter_chunked(_PIECE):
            yield piece
    except (aiohttp.ClientError, TimeoutError) as error:
        raise _Broken(connection_words(error)) from error


def _append(output: BinaryIO, digest: "hashlib._Hash", piece: bytes) -> None:
    output.write(piece)
    digest.update(piece)
