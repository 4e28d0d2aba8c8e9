"""The ways to apps behind the node's login: real sockets, which end when they should and not otherwise."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest_asyncio

from archipelago.container.manifest.loopback_places import LoopbackPlace
from archipelago.network.drivers.caddy.guarded_pipes import ClosedDoors, GuardedPipes
from archipelago.network.drivers.caddy.guarded_site import pipe_of
from archipelago.network.sites import Behind, Door

MOST = 3
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Scene:
    """An app that echoes, behind two doors."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.place = LoopbackPlace(IPv4Address("127.0.0.1"), port)
        self.pipes = GuardedPipes(folder, MOST)
        self.closed = ClosedDoors(self.pipes)
        self.came: list[asyncio.StreamWriter] = []

    def door(self, name: str, *, guarded: bool = True) -> Door:
        return Door(name, (), {f"vault.{name}": Behind(self.place, guarded)})

    async def apply(self, *doors: Door) -> None:
        """Have these doors, as the node does."""
        assert await self.pipes.apply(doors) == await self.closed.apply(doors) == ()

    async def come(self) -> Connection:
        reader, writer = await asyncio.open_unix_connection(pipe_of(str(self.folder), self.place))
        self.came.append(writer)
        return reader, writer

    async def talks(self, connection: Connection) -> bool:
        reader, writer = connection
        async with asyncio.timeout(10):
            try:
                writer.write(b"hello\n")
                return await reader.readline() == b"hello\n"
            except ConnectionError:
                return False


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@pytest_asyncio.fixture
async def scene() -> AsyncIterator[Scene]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    # The path of a socket has at most 107 bytes, which a folder of pytest's may take.
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder) / "caddy", server.sockets[0].getsockname()[1])
        yield scene
        await scene.pipes.close()
    for writer in scene.came:
        writer.transport.abort()
    server.close()
    await server.wait_closed()


async def test_what_goes_on_ends_with_a_door_and_not_with_a_new_one(scene: Scene) -> None:
    here, there = scene.door("loopback"), scene.door("network")
    await scene.apply(here)
    assert {each.stat().st_mode & 0o777 for each in scene.folder.iterdir()} == {0o600}
    connection = await scene.come()
    assert await scene.talks(connection)
    await scene.apply(here, there)
    assert await scene.talks(connection)
    await scene.apply(here)
    assert not await scene.talks(connection), "it may have come by the door that is closed"
    connection = await scene.come()
    assert await scene.talks(connection), "who may come back does"
    scene.pipes.cut()
    assert not await scene.talks(connection)
    await scene.apply(scene.door("loopback", guarded=False))
    assert list(scene.folder.iterdir()) == [], "what has a login of its own needs no such way"


async def test_one_beyond_all_that_may_come_is_let_go_and_takes_no_room(scene: Scene) -> None:
    await scene.pipes.apply((scene.door("loopback"),))
    inside = [await scene.come() for _ in range(MOST)]
    assert all([await scene.talks(each) for each in inside])
    assert not await scene.talks(await scene.come())
    scene.pipes.cut()
    assert not any([await scene.talks(each) for each in inside])
    assert await scene.talks(await scene.come())


async def test_where_no_socket_can_be_it_says_so(scene: Scene) -> None:
    scene.folder.write_text("in the way")
    (problem,) = await scene.pipes.apply((scene.door("loopback"),))
    assert "web server in front of apps" in problem
