"""How the built page is served: compressed, kept by browsers for ever or not at all, and nothing but it."""

import gzip
import random
import resource
import tempfile
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from archipelago.rpc.server.ui import read_page

SCRIPT = b"console.log('here')\n" * 50


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small page."""
    built = tmp_path / "ui"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<!doctype html>the page")
    (built / "assets" / "index-abc.js").write_bytes(SCRIPT)
    (built / "assets" / "index-abc.js.gz").write_bytes(gzip.compress(SCRIPT))
    (built / "secret.key").write_text("no")
    (built / "link.html").symlink_to("/etc/passwd")
    return built


@pytest_asyncio.fixture
async def address(folder: Path) -> AsyncIterator[str]:
    """Where the page is served."""
    application = web.Application()
    application.router.add_get("/{path:.*}", read_page(folder, 8443).serve)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_file_is_sent_as_small_as_the_browser_takes_it(address: str) -> None:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        for accepted, encoding, size in (
            ("gzip, br", "gzip", len(gzip.compress(SCRIPT))),
            ("identity", None, len(SCRIPT)),
        ):
            headers = {"Accept-Encoding": accepted}
            async with session.get(f"{address}/assets/index-abc.js", headers=headers) as answer:
                assert answer.headers.get("Content-Encoding") == encoding and len(await answer.read()) == size
                assert "immutable" in answer.headers["Cache-Control"] and answer.headers["Vary"] == "Accept-Encoding"
        async with session.get(f"{address}/", headers={"Accept-Encoding": "br"}) as answer:
            assert answer.headers["Cache-Control"] == "no-cache"
            etag = answer.headers["ETag"]
            policy = answer.headers["Content-Security-Policy"]
            assert "connect-src 'self' https://127.0.0.1:8443;" in policy, "it asks one port of its own host alone"
        async with session.get(f"{address}/", headers={"If-None-Match": etag}) as answer:
            assert answer.status == 304


async def test_each_address_of_the_page_is_the_page_and_nothing_else_is(address: str) -> None:
    async with aiohttp.ClientSession() as session:
        browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
        for path in ("/", "/apps", "/apps/knots/logs", "/store/electrumx", "/login?to=/apps", "/no/such/place"):
            async with session.get(address + path, headers=browser) as answer:
                assert answer.status == 200 and "the page" in await answer.text()
                assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        for path in ("/secret.key", "/link.html", "/etc/passwd", "/assets/none.js", "/assets/%2e%2e/%2e%2e/etc/passwd"):
            async with session.get(address + path) as answer:
                assert answer.status == 404, path


async def test_a_page_that_is_built_again_changes_nothing_until_the_next_start(address: str, folder: Path) -> None:
    folder.rename(folder.with_name("old"))
    async with aiohttp.ClientSession() as session, session.get(f"{address}/assets/index-abc.js") as answer:
        assert await answer.read() == SCRIPT


async def test_the_page_takes_no_memory_unless_the_disk_is_full(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = random.randbytes(3 << 20)
    (folder / "assets" / "large-abc.png").write_bytes(large)

    def taken() -> int:
        tracemalloc.start()
        try:
            page = read_page(folder, 8443)
            assert page._assets["/assets/large-abc.png"].read("") == large
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    assert taken() < len(large) // 4
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder / "nowhere"))
        assert taken() > len(large)
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, usual[1]))
    try:
        assert taken() > len(large), "the file cannot grow as far"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


async def test_what_is_not_built_says_so(tmp_path: Path) -> None:
    application = web.Application()
    application.router.add_get("/{path:.*}", read_page(tmp_path / "nothing", 8443).serve)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{runner.addresses[0][1]}/") as answer:
        assert answer.status == 503 and "make setup" in await answer.text()
    await runner.cleanup()
