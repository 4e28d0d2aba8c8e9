"""A container that ends by itself at the moment at which Podman kills it is removed all the same."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from archipelago.container.podman_client.containers import Containers
from archipelago.container.podman_client.errors import EndedMeanwhile
from archipelago.container.podman_client.service import PodmanService
from archipelago.container.podman_client.wire.transport import Transport

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(30)]

_SAID = (
    "cannot remove container 5d as it could not be stopped: sending SIGKILL to container 5d: container state improper"
)
"""By Podman 4.3.1, once, for a build whose command had forked too often."""


@contextlib.asynccontextmanager
async def containers(folder: Path, *answers: web.Response) -> AsyncIterator[Containers]:
    """Serve as a Podman that answers so, one answer a call."""
    left = list(answers)

    async def answer(_: web.Request) -> web.Response:
        return left.pop(0)

    application = web.Application()
    application.router.add_route("DELETE", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    transport = Transport(PodmanService(folder / "podman.sock", folder / "log"))
    try:
        await web.UnixSite(runner, str(folder / "podman.sock")).start()
        yield Containers(transport)
    finally:
        await transport.close()
        await runner.cleanup()
    assert not left, "it is asked as often as there are answers"


def refused() -> web.Response:
    return web.json_response({"cause": "container state improper", "message": _SAID, "response": 500}, status=500)


async def test_it_is_asked_again_now_that_there_is_nothing_to_kill(tmp_path: Path) -> None:
    async with containers(tmp_path, refused(), web.json_response([{"Id": "5d"}])) as podman:
        assert await podman.remove("archipelago-x", force=True)
    gone = web.json_response({"cause": "no such container", "message": "no such container"}, status=404)
    async with containers(tmp_path, refused(), gone) as podman:
        assert not await podman.remove("archipelago-x", force=True)


async def test_what_stays_so_is_given_up(tmp_path: Path) -> None:
    async with containers(tmp_path, refused(), refused()) as podman:
        with pytest.raises(EndedMeanwhile, match="could not be stopped"):
            await podman.remove("archipelago-x", force=True)
