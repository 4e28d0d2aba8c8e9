"""A call in which Podman's own program fails, as Podman 4.3 does now and then: done again where that is harmless."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from archipelago.container.podman_client.errors import PodmanCall, PodmanPanic
from archipelago.container.podman_client.service import PodmanService
from archipelago.container.podman_client.wire.transport import Transport

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(30)]

_CALL = PodmanCall("inspect image", "localhost/x:1")
_SAID = (
    '{"cause":"runtime error: invalid memory address or nil pointer dereference",'
    '"message":"runtime error: invalid memory address or nil pointer dereference","response":500}'
)
"""By Podman 4.3.1, when an image was inspected once in 789 times while others with the same layers were stored."""


class Panicking:
    """Answers as Podman does: so many panics, then what was asked for."""

    def __init__(self, panics: int) -> None:
        self.left = panics
        self.asked = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.left:
            self.left -= 1
            return web.Response(status=500, text=_SAID, content_type="application/json")
        return web.json_response({"Id": "1"})


@pytest_asyncio.fixture
async def transport(tmp_path: Path) -> AsyncIterator[Transport]:
    transport = Transport(PodmanService(tmp_path / "podman.sock", tmp_path / "log"))
    yield transport
    await transport.close()


@contextlib.asynccontextmanager
async def panicking(panics: int, socket: Path) -> AsyncIterator[Panicking]:
    """Serve as a Podman that panics so many times."""
    podman = Panicking(panics)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", podman.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.UnixSite(runner, str(socket)).start()
        yield podman
    finally:
        await runner.cleanup()


async def test_a_question_is_asked_again(transport: Transport) -> None:
    async with panicking(2, transport.service.socket_path) as podman:
        assert await transport.json("GET", "/images/x/json", _CALL) == {"Id": "1"}
    assert podman.asked == 3


async def test_one_that_always_fails_is_given_up(transport: Transport) -> None:
    async with panicking(100, transport.service.socket_path) as podman:
        with pytest.raises(PodmanPanic, match="nil pointer"):
            await asyncio.wait_for(transport.json("GET", "/images/x/json", _CALL), 10)
    assert podman.asked == 4


async def test_what_must_not_be_done_twice_is_not(transport: Transport) -> None:
    async with panicking(1, transport.service.socket_path) as podman:
        with pytest.raises(PodmanPanic):
            await transport.json("POST", "/containers/create", _CALL)
    assert podman.asked == 1
