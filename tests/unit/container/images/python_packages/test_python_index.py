"""What an index is asked for and what it may answer, over real HTTP on loopback."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from packaging.utils import canonicalize_name

from archipelago.container.images.downloads import DownloadFailure
from archipelago.container.images.python_packages.choice import IndexFile
from archipelago.container.images.python_packages.index import IndexLimits, PackageIndex, open_index

FOO = canonicalize_name("foo")
CONTENT = bytes(range(256)) * 4096
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def file(url: str, content: bytes = CONTENT) -> IndexFile:
    """Return a file at a URL with the hash of its content."""
    return IndexFile("foo-1.0.tar.gz", url, hashlib.sha256(content).hexdigest())


@asynccontextmanager
async def served(**handlers: Handler) -> AsyncIterator[str]:
    """Yield the URL of a server; each handler answers under its name."""
    application = web.Application()
    for name, handler in handlers.items():
        application.router.add_get(f"/{name}" if name != "simple" else "/simple/foo/", handler)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def asked(limits: IndexLimits | None = None, **handlers: Handler) -> AsyncIterator[tuple[PackageIndex, str]]:
    """Yield a session with an index, and the URL that its server has."""
    async with served(**handlers) as url, open_index(f"{url}simple/", limits) as index:
        yield index, url


def sends(content: bytes, status: int = 200, **headers: str) -> Handler:
    """Return a handler that always sends the same."""

    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=content, status=status, headers=headers)

    return handle


async def test_files_are_listed_with_whole_urls_and_downloaded_by_their_hash(tmp_path: Path) -> None:
    listed = {"filename": "foo-1.0.tar.gz", "url": "../../file", "hashes": {"sha256": file("").sha256}}
    seen: list[str] = []

    async def simple(request: web.Request) -> web.Response:
        seen.append(request.headers["Accept"])
        return web.Response(body=json.dumps({"files": [listed]}).encode())

    async with asked(simple=simple, file=sends(CONTENT)) as (index, url):
        (found,) = await index.files(FOO, {file("").sha256})
        assert found.url == f"{url}file" and seen == ["application/vnd.pypi.simple.v1+json"]
        await index.download(found, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == CONTENT


async def test_a_project_that_is_not_there_has_no_files() -> None:
    async with asked() as (index, _):
        assert await index.files(FOO, {file("").sha256}) == ()


async def test_other_content_than_the_hash_says_is_refused(tmp_path: Path) -> None:
    async with asked(file=sends(CONTENT[:-1] + b"x")) as (index, url):
        with pytest.raises(DownloadFailure, match="another SHA-256"):
            await index.download(file(f"{url}file"), tmp_path / "out")


async def test_a_broken_connection_goes_on_where_it_broke(tmp_path: Path) -> None:
    ranges: list[str | None] = []

    async def breaks(request: web.Request) -> web.StreamResponse:
        ranges.append(request.headers.get("Range"))
        start = int((ranges[-1] or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        response = web.StreamResponse(status=206 if start else 200)
        response.content_length = len(CONTENT) - start
        await response.prepare(request)
        await response.write(CONTENT[start : start + len(CONTENT) // 2] if not start else CONTENT[start:])
        if not start:
            # What the other side has not read yet when the connection breaks is lost to it.
            while not (tmp_path / "out").stat().st_size:
                await asyncio.sleep(0.01)
            assert request.transport is not None
            request.transport.close()
        return response

    async with asked(file=breaks) as (index, url):
        await index.download(file(f"{url}file"), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == CONTENT
    assert ranges[0] is None and ranges[1] is not None and ranges[1] != "bytes=0-"


async def test_an_index_that_fails_is_asked_again_and_not_for_ever() -> None:
    answers = [sends(b"", 503), sends(b'{"files": []}')]

    async def simple(request: web.Request) -> web.StreamResponse:
        return await (answers.pop(0) if answers else sends(b"", 503))(request)

    async with asked(simple=simple) as (index, _):
        assert await index.files(FOO, {file("").sha256}) == () and not answers
        with pytest.raises(DownloadFailure, match="status 503"):
            await index.files(FOO, {file("").sha256})


async def test_what_has_no_end_is_not_read_to_it(tmp_path: Path) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    limits = IndexLimits(page=1_000_000, file=1_000_000)
    async with asked(limits, simple=endless, file=endless) as (index, url):
        with pytest.raises(DownloadFailure, match="more than 1000000 bytes"):
            await index.files(FOO, {file("").sha256})
        with pytest.raises(DownloadFailure, match="more than 1000000 bytes"):
            await index.download(file(f"{url}file"), tmp_path / "out")


async def test_a_redirect_does_not_lead_to_other_services_of_this_host(tmp_path: Path) -> None:
    reached: list[str] = []

    async def inner(request: web.Request) -> web.Response:
        reached.append(str(request.url))
        return web.Response(body=CONTENT)

    async with served(file=inner) as other:
        redirects = {"moved": sends(b"", 302, Location=f"{other}file"), "loop": sends(b"", 302, Location="/loop")}
        async with asked(file=sends(CONTENT), near=sends(b"", 307, Location="/file"), **redirects) as (index, url):
            await index.download(file(f"{url}near"), tmp_path / "near")
            for number, place in enumerate((f"{url}moved", f"{other}file", "file:///etc/passwd", "ftp://x/")):
                with pytest.raises(DownloadFailure, match="without TLS"):
                    await index.download(file(place), tmp_path / str(number))
            with pytest.raises(DownloadFailure, match="redirects too often"):
                await index.download(file(f"{url}loop"), tmp_path / "loop")
    assert reached == []
