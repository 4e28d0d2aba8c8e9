"""Asks a package index (simple API in JSON, PEP 691) and downloads files of it. Nothing that comes is executed."""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Mapping, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import aiohttp
from packaging.utils import NormalizedName

from archipelago.container.images.python_packages.choice import IndexFile, NotAnIndex, read_index_page
from archipelago.support.connections.connection_words import connection_words
from archipelago.support.texts.text import msg

_ACCEPTED = {"Accept": "application/vnd.pypi.simple.v1+json"}
_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=30, sock_read=60)
_ATTEMPTS = 3
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class IndexLimits:
    """What is taken of an index at most."""

    page: int = 32 * 1024**2
    """Bytes of a project's list of files."""
    file: int = 512 * 1024**2
    """Bytes of one file."""


class IndexFailure(Exception):
    """An index does not give what was asked for; the text says why."""


class _Broken(Exception):
    """A connection that ended early: what is missing can be asked for again."""


class PackageIndex:
    """A session with one index.

    Only HTTPS, with the certificates of the system; plain HTTP only with an index that is itself reached so.
    """

    def __init__(self, session: aiohttp.ClientSession, index: str, limits: IndexLimits | None = None) -> None:
        self._session = session
        self._index = index.rstrip("/") + "/"
        self._limits = limits or IndexLimits()

    async def files(self, project: NormalizedName, hashes: Set[str]) -> tuple[IndexFile, ...]:
        """Return the files of a project that have one of these hashes. Raises `IndexFailure`."""
        for last in _attempts():
            try:
                return await self._files(project, hashes)
            except _Broken as error:
                if last:
                    raise IndexFailure(str(error)) from error
        raise AssertionError

    async def _files(self, project: NormalizedName, hashes: Set[str]) -> tuple[IndexFile, ...]:
        page, url = bytearray(), urljoin(self._index, f"{project}/")
        async with self._get(url, _ACCEPTED) as response:
            if response.status == 404:
                return ()
            _expect(response, 200)
            async for piece in _pieces(response):
                page += piece
                if len(page) > self._limits.page:
                    raise IndexFailure(
                        msg(
                            "its list of files of {project} has more than {page} bytes",
                            project=project,
                            page=self._limits.page,
                        )
                    )
        try:
            files = await asyncio.to_thread(read_index_page, bytes(page), hashes)
        except NotAnIndex as error:
            raise IndexFailure(str(error)) from error
        return tuple(replace(file, url=_joined(url, file.url)) for file in files)

    async def download(self, file: IndexFile, target: Path) -> None:
        """Write a file that has exactly the hash that it must have. Raises `IndexFailure` and OSError."""
        digest = hashlib.sha256()
        with await asyncio.to_thread(target.open, "xb") as output:
            size = 0
            for last in _attempts():
                try:
                    async for piece in self._rest(file, size):
                        size += len(piece)
                        if size > self._limits.file:
                            raise IndexFailure(
                                msg(
                                    "{filename} has more than {file} bytes",
                                    filename=file.filename,
                                    file=self._limits.file,
                                )
                            )
                        await asyncio.to_thread(_append, output, digest, piece)
                    break
                except _Broken as error:
                    if last:
                        raise IndexFailure(str(error)) from error
        if digest.hexdigest() != file.sha256:
            raise IndexFailure(
                msg("what it sends as {filename} has another SHA-256 than it must have", filename=file.filename)
            )

    async def _rest(self, file: IndexFile, start: int) -> AsyncIterator[bytes]:
        """Yield a file from a byte on."""
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        async with self._get(file.url, headers) as response:
            if start and response.status == 416:
                return  # it was complete, and the connection broke at its very end
            if start and response.status == 200:
                raise IndexFailure(
                    msg("the connection broke and it cannot send the rest of {filename}", filename=file.filename)
                )
            _expect(response, 206 if start else 200)
            async for piece in _pieces(response):
                yield piece

    @asynccontextmanager
    async def _get(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        for _ in range(_MOST_REDIRECTS):
            # Before each request: a redirect must not lead to what only this host reaches.
            if not url.startswith("https://") and _origin(url) != _origin(self._index):
                raise IndexFailure(msg("it leads to {url}, without TLS", url=f"{url[:200]!r}"))
            try:
                response = await self._session.get(url, headers=headers, allow_redirects=False)
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                raise _Broken(connection_words(error)) from error
            async with response:
                if response.status not in _REDIRECTS:
                    yield response
                    return
                url = _joined(url, response.headers.get("Location", ""))
        raise IndexFailure(msg("it redirects too often"))


@asynccontextmanager
async def open_index(url: str, limits: IndexLimits | None = None) -> AsyncIterator[PackageIndex]:
    """Yield a session with the index at a URL, through the proxy that the environment names."""
    context = await asyncio.to_thread(ssl.create_default_context)
    connector = aiohttp.TCPConnector(limit=16, ssl=context)
    async with aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=True, connector=connector) as session:
        yield PackageIndex(session, url, limits)


def _attempts() -> list[bool]:
    """Return for each attempt whether it is the last."""
    return [number == _ATTEMPTS - 1 for number in range(_ATTEMPTS)]


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _joined(base: str, reference: str) -> str:
    try:
        return urljoin(base, reference)
    except ValueError:
        raise IndexFailure(msg("it leads to {reference}, which is no URL", reference=f"{reference[:200]!r}")) from None


def _expect(response: aiohttp.ClientResponse, status: int) -> None:
    if response.status >= 500:
        raise _Broken(f"it answers with status {response.status}")
    if response.status != status:
        raise IndexFailure(msg("it answers with status {status}", status=response.status))


async def _pieces(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for piece in response.content.iter_chunked(_PIECE):
            yield piece
    except (aiohttp.ClientError, TimeoutError) as error:
        raise _Broken(connection_words(error)) from error


def _append(output: BinaryIO, digest: "hashlib._Hash", piece: bytes) -> None:
    output.write(piece)
    digest.update(piece)
