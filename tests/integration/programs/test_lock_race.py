"""Two that use a repository at once: the lock of one goes between the other's list of locks and its look at them."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from archipelago.api.backups import RestTarget
from archipelago.backups.repository import Repository
from archipelago.backups.restic.access import access
from archipelago.errors import ErrorCode, NodeError
from support.backup_writes import LAUNCH, PASSWORD, write
from support.harness import free_port
from support.servers import listening
from support.tools import PROGRAMS

SERVER = PROGRAMS / "restic-rest-server"
pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not SERVER.exists(), reason="scripts/test-tools makes the server"),
]


@dataclass
class Race:
    """Stands in front of a server, and lists a lock that is gone when it is asked for."""

    server: str
    client: aiohttp.ClientSession
    lost: int = 0
    """In how many lists of locks it still is."""

    async def forward(self, request: web.Request) -> web.Response:
        headers = {name: request.headers[name] for name in ("Accept", "Range") if name in request.headers}
        url = f"{self.server}{request.path_qs}"
        async with self.client.request(request.method, url, data=await request.read(), headers=headers) as answer:
            content, status, length = await answer.read(), answer.status, answer.headers.get("Content-Length", "0")
        if request.method == "HEAD":
            return web.Response(status=status, headers={"Content-Length": length})
        if self.lost and request.method == "GET" and request.path.endswith("/locks/"):
            self.lost -= 1
            content = json.dumps([*json.loads(content), {"name": "ab" * 32, "size": 155}]).encode()
        return web.Response(status=status, body=content, content_type=answer.content_type)


@pytest_asyncio.fixture
async def race(tmp_path: Path) -> AsyncIterator[tuple[Race, Repository]]:
    """What makes the race, and a repository that is used through it."""
    port, front = free_port(), free_port()
    words = ("--no-auth", "--listen", f"127.0.0.1:{port}", "--path", str(tmp_path / "served"))
    with listening(port, str(SERVER), *words):
        async with aiohttp.ClientSession() as client:
            found = Race(f"http://127.0.0.1:{port}", client)
            application = web.Application(client_max_size=1 << 30)
            application.router.add_route("*", "/{path:.*}", found.forward)
            runner = web.AppRunner(application)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", front).start()
            url = f"http://127.0.0.1:{front}/node"
            repository = Repository(
                access(RestTarget(kind="rest", url=url), ""), PASSWORD, url, tmp_path / "cache", LAUNCH
            )
            await repository.create()
            yield found, repository
            await runner.cleanup()


async def test_a_lock_that_goes_at_the_wrong_moment_is_not_noticed(
    race: tuple[Race, Repository], tmp_path: Path
) -> None:
    between, repository = race
    between.lost = 1
    await write(tmp_path, repository, kept="text")
    assert between.lost == 0 and len(await repository.snapshots()) == 1


async def test_where_one_goes_each_time_the_repository_is_said_to_be_in_use(
    race: tuple[Race, Repository], tmp_path: Path
) -> None:
    between, repository = race
    between.lost = 1000
    with pytest.raises(NodeError) as refused:
        await write(tmp_path, repository, kept="text")
    assert refused.value.code is ErrorCode.BUSY
    between.lost = 0
    assert not await repository.snapshots()
