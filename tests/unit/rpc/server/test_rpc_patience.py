"""Each connection gets so much time for each thing, and all of them together so much memory; real sockets."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest_asyncio

from archipelago.rpc.server.patience import Patience, Times
from archipelago.rpc.server.server import RpcServer
from archipelago.support.connections.descriptors import Shares
from support.memory_node import OWNERS, MemoryNode

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /rpc/v1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
BRIEF = Times(head=1.0, body=1.0, idle=1.0, idle_known=1.5, reader=1.0, slowest=1 << 30, farewell=1.0, pause=0.05)
"""As short as a test bears, and longer than a busy machine holds one up between two lines of it."""
FEW = Shares(unix=8, loopback=8, local=8, apps=8, guarded=8, streams=8)


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[RpcServer]:
    server = RpcServer(
        MemoryNode().services, OWNERS, patience=Patience(BRIEF, most_kept=4 << 20), ui=tmp_path, connections=FEW
    )
    await server.start(tmp_path / "rpc.sock", 0)
    yield server
    await server.stop()


async def until_ended(reader: asyncio.StreamReader, seconds: float = 20) -> bytes:
    """Return what comes before the end, which does come."""
    found = b""
    async with asyncio.timeout(seconds):
        try:
            while data := await reader.read(65536):
                found += data
        except ConnectionError:
            pass
    return found


async def dribble(writer: asyncio.StreamWriter, byte: bytes = b"G") -> None:
    """Send a byte now and then until the other side hangs up."""
    try:
        while not writer.is_closing():
            writer.write(byte)
            await writer.drain()
            await asyncio.sleep(0.05)
    except ConnectionError:
        pass


HEAD = b"GET / HTTP/1.1\r\nX: "


BEFORE = [
    (b"", False),
    (b"", True),
    (HEAD, True),
    (GET, False),
    (GET + HEAD, False),
    (GET + HEAD, True),
    (GET * 3 + HEAD, True),
]
"""What a client sends at once, and whether it goes on by a byte now and then."""


async def test_a_head_has_its_time_be_it_the_first_or_a_later_one(server: RpcServer) -> None:
    async def client(before: bytes, goes_on: bool) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(before)
        dribbling = asyncio.create_task(dribble(writer)) if goes_on else None
        answer = await until_ended(reader)
        assert answer.count(b"200 OK") == before.count(GET), before
        writer.close()
        if dribbling is not None:
            await dribbling

    assert len(BEFORE) < FEW.loopback
    await asyncio.gather(*(client(*each) for each in BEFORE))


async def test_a_body_has_its_time(server: RpcServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(POST + b"Content-Length: 50000\r\n\r\n")
    dribbling = asyncio.create_task(dribble(writer))
    assert b" 408 " in await until_ended(reader)
    writer.close()
    await dribbling


async def test_an_answer_that_nobody_takes_is_given_up(server: RpcServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
    writer.transport.pause_reading()
    request = b"GET /openrpc.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    writer.write(request * 30)  # six megabytes, more than the kernel keeps
    patience = server._patience
    async with asyncio.timeout(20):
        while not any(each.unread for each in patience):
            await asyncio.sleep(0.01)
        while list(patience):
            await asyncio.sleep(0.05)
    writer.transport.abort()
    del reader


async def test_all_requests_together_are_bounded_and_an_owner_is_served_at_the_cost_of_strangers(
    server: RpcServer,
) -> None:
    strangers = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(4)]
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
    for _, writer in strangers:
        writer.write(head + b"".join(b"X%d: " % number + b"x" * 8000 + b"\r\n" for number in range(120)))
    connector = aiohttp.UnixConnector(str(server._unix[0])) if server._unix else None
    async with aiohttp.ClientSession(connector=connector) as owner:
        call = {"jsonrpc": "2.0", "id": 1, "method": "container-list", "params": {}}
        async with owner.post("http://localhost/rpc/v1", json=call) as response:
            assert response.status == 200
    for reader, writer in strangers:
        await until_ended(reader)
        writer.close()
    assert server._patience._unfinished == 0


async def test_who_fills_all_places_makes_room_for_a_newcomer(server: RpcServer) -> None:
    strangers = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(FEW.loopback + 4)]
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(GET)
    assert b"200 OK" in await reader.readline()
    writer.close()
    for other, closing in strangers:
        await until_ended(other)
        closing.close()


async def test_a_stranger_sends_little_and_in_small_batches(server: RpcServer) -> None:
    async with aiohttp.ClientSession(f"http://localhost:{server.port}") as stranger:
        headers = {"Content-Type": "application/json"}
        async with stranger.post("/rpc/v1", data=b" " * (64 << 10) + b"1", headers=headers) as response:
            assert response.status == 413

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(70):
                yield b" " * 1024

        async with stranger.post("/rpc/v1", data=chunks(), headers=headers) as response:
            assert response.status == 413
