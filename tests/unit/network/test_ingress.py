"""The way in to apps: bounded, fair, and rid of whoever says nothing; real sockets on addresses of loopback."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest_asyncio

from archipelago.container.manifest.exposure import LOOPBACK
from archipelago.network.drivers.loopback import LoopbackDriver
from archipelago.network.routes import Route, Trust
from archipelago.network.tls import server_contexts
from archipelago.security.keys.tls_identity import self_signed

OUTER = "127.0.7.1"


class Scene:
    """An app that echoes, and a way to it."""

    def __init__(self, port: int) -> None:
        self.driver = LoopbackDriver(8, {})
        self.port = port

    async def come(self, source: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(OUTER, self.port, local_addr=(source, 0))

    async def talks(self, source: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await self.come(source)
        writer.write(b"hello\n")
        async with asyncio.timeout(20):
            assert await reader.readline() == b"hello\n"
        return reader, writer


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
        if data == b"bye\n":
            break
    writer.write(b"end\n")
    writer.close()


@pytest_asyncio.fixture
async def scene() -> AsyncIterator[Scene]:
    server = await asyncio.start_server(echo, str(LOOPBACK), 0)
    scene = Scene(server.sockets[0].getsockname()[1])
    assert await scene.driver.apply([Route(IPv4Address(OUTER), scene.port, tls=None, shown="")]) == {}
    yield scene
    await scene.driver.close()
    server.close()
    await server.wait_closed()


async def test_what_passes_arrives_whole_and_half_a_connection_can_end(scene: Scene) -> None:
    reader, writer = await scene.come("127.0.0.1")
    sent = bytes(range(256)) * 4000

    async def send() -> None:
        writer.write(sent)
        await writer.drain()
        writer.write_eof()

    sending = asyncio.create_task(send())
    async with asyncio.timeout(10):
        assert await reader.read(-1) == sent + b"end\n"
    await sending
    writer.close()


async def test_nothing_goes_wrong_when_a_connection_by_tls_ends(scene: Scene, tmp_path: Path) -> None:
    context, anybody = server_contexts("island")[Trust.FIRST_USE], ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    identity, file = self_signed(("island.local",)), tmp_path / "both.pem"
    file.write_bytes(identity.certificate_pem() + identity.key_pem())
    context.load_cert_chain(file)
    driver = LoopbackDriver(8, {Trust.FIRST_USE: context})
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    route = Route(IPv4Address("127.0.7.2"), scene.port, tls=Trust.FIRST_USE, shown="")
    assert await driver.apply([route]) == {}
    reader, writer = await asyncio.open_connection(str(route.address), route.port, ssl=anybody)
    async with asyncio.timeout(10):
        writer.write(b"bye\n")
        assert await reader.read(-1) == b"bye\nend\n", "the app ends it first"
        writer.close()
        while driver._connections:
            await asyncio.sleep(0)
    await driver.close()
    assert complaints == []


async def test_an_address_that_takes_all_it_can_keeps_nobody_else_out(scene: Scene) -> None:
    friend = await scene.talks("127.0.0.9")
    flood = [await scene.come(f"127.0.0.{1 + number % 4}") for number in range(40)]
    for number in range(3):
        _, writer = await scene.talks(f"127.0.1.{number}")
        writer.close()
    friend[1].write(b"still here\n")
    async with asyncio.timeout(20):
        assert await friend[0].readline() == b"still here\n"
    for _, writer in (friend, *flood):
        writer.transport.abort()


async def test_a_client_that_reads_nothing_does_not_stay_for_ever(scene: Scene) -> None:
    silent = await scene.talks("127.0.0.1")
    silent[1].transport.pause_reading()
    silent[1].write(bytes(1 << 20) * 12)
    others = [await scene.talks(f"127.0.2.{number}") for number in range(20)]
    assert len(scene.driver._connections) <= 9
    silent[1].transport.resume_reading()
    async with asyncio.timeout(20):
        while not silent[0].at_eof() and silent[0].exception() is None:
            with contextlib.suppress(ConnectionError):
                await silent[0].read(65536)
    for _, writer in (silent, *others):
        writer.transport.abort()
