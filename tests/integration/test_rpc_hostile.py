"""Ten thousand malformed requests and a hundred megabytes: each is answered, none changes anything."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archipelago.rpc.methods.table import all_methods
from archipelago.rpc.server.patience import Patience, Times
from archipelago.rpc.server.server import RpcServer
from support.memory_node import OWNERS, MemoryNode

JSON = {"Content-Type": "application/json"}
ROUNDS = 250
BURST = 40
"""Requests in a round: ROUNDS times BURST are ten thousand."""

METHODS = [method.name for method in all_methods()]
CHANGES = [method.name for method in all_methods() if method.mutates]

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
wrong_versions = st.fixed_dictionaries(
    {"jsonrpc": scalars.filter(lambda value: value != "2.0"), "id": scalars, "method": st.sampled_from(METHODS)}
)
wrong_methods = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "id": scalars, "method": values.filter(lambda name: name not in METHODS)}
)
wrong_params = st.fixed_dictionaries(
    {
        "jsonrpc": st.just("2.0"),
        "id": st.integers(0, 9) | st.text(max_size=9),
        "method": st.sampled_from(CHANGES),
        # No app has such a name, and no method knows such a parameter.
        "params": st.dictionaries(st.text(max_size=8), values, max_size=3).map(lambda found: found | {"app": "No!"})
        | st.dictionaries(st.text(max_size=8), values, max_size=2).map(lambda found: found | {"zip": 1, "app": "knots"})
        | values.filter(lambda found: not isinstance(found, dict)),
    }
)
as_json = st.one_of(values, wrong_versions, wrong_methods, wrong_params).map(lambda value: json.dumps(value).encode())
broken_json = st.tuples(as_json, st.integers(0, 50), st.binary(min_size=1, max_size=4)).map(
    lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] :]
)
bodies = st.one_of(
    as_json, broken_json, st.binary(max_size=200), wrong_params.map(lambda one: json.dumps(one).encode())
)


class Host:
    """A server with an event loop that outlives the rounds of hypothesis."""

    def __init__(self, path: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.node = MemoryNode()
        self.server = RpcServer(self.node.services, OWNERS)
        self.run(self.server.start(path, 0))
        self.address = "http://localhost/rpc/v1"
        self.session = self.run(self._open(path))
        self.sent = 0

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    async def _open(self, path: Path) -> aiohttp.ClientSession:
        # As the owner, whom neither permissions nor rate limits keep from the depths of the node.
        connector = aiohttp.UnixConnector(str(path))
        return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=100))

    async def post(self, body: Any) -> tuple[int, bytes]:
        async with self.session.post(self.address, data=body, headers=JSON) as response:
            return response.status, await response.read()

    async def burst(self, bodies: list[bytes]) -> None:
        for status, text in await asyncio.gather(*map(self.post, bodies)):
            self.sent += 1
            assert status in (200, 204)
            assert b"Traceback" not in text
            if status == 200:
                answers = json.loads(text)
                for answer in answers if isinstance(answers, list) else [answers]:
                    assert ("error" in answer) != ("result" in answer)
                    assert answer.get("error", {}).get("code") != -32603, text

    def close(self) -> None:
        self.run(self.session.close())
        self.run(self.server.stop())
        self.loop.close()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Any:
    host = Host(tmp_path_factory.mktemp("rpc") / "s")
    yield host
    host.close()


def test_ten_thousand_malformed_requests_change_nothing(host: Host) -> None:
    @settings(max_examples=ROUNDS, database=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(st.lists(bodies, min_size=BURST, max_size=BURST))
    def one_round(found: list[bytes]) -> None:
        host.run(host.burst(found))
        assert host.node.apps.changes == []

    one_round()
    assert host.sent >= 10_000
    answer = json.loads(host.run(host.post(b'{"jsonrpc":"2.0","id":1,"method":"container-list"}'))[1])
    assert answer["result"][0]["app"] == "knots"


async def _megabytes(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield bytes(1 << 20)


def test_a_hundred_megabytes_are_refused_from_the_header_on(host: Host) -> None:
    async def send() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", host.server.port)
        head = "POST /rpc/v1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 104857600"
        writer.write(f"{head}\r\n\r\n".encode())
        async with asyncio.timeout(60):
            answer = await reader.readuntil(b"\r\n\r\n")  # and not a byte of the body was sent
        writer.close()
        return answer

    assert host.run(send()).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_asks_first_is_told_no(host: Host) -> None:
    async def send() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", host.server.port)
        head = "POST /rpc/v1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 104857600"
        writer.write(f"{head}\r\nExpect: 100-continue\r\n\r\n".encode())
        async with asyncio.timeout(60):
            answer = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        return answer

    assert host.run(send()).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("length_known", [True, False])
def test_a_hundred_megabytes_that_are_sent_all_the_same(host: Host, length_known: bool) -> None:
    async def send() -> int | None:
        try:
            status, _ = await host.post(io.BytesIO(bytes(100 << 20)) if length_known else _megabytes(100))
        except aiohttp.ClientError:
            return None  # the node hung up while the client was still sending
        return status

    before = _resident()
    assert host.run(send()) in (413, None)
    if not length_known:
        assert _resident() - before < 30 << 20
    assert host.run(host.post(b'{"jsonrpc":"2.0","id":1,"method":"container-list"}'))[0] == 200


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_whoever_says_nothing_is_hung_up_on_and_others_are_served(tmp_path: Path) -> None:
    async def scenario() -> None:
        server = RpcServer(MemoryNode().services, OWNERS, patience=Patience(Times(head=3.0)))
        await server.start(tmp_path / "rpc.sock", 0)
        try:
            silent, dribbling, talking = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(3)]
            talking[1].write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"200 OK" in await talking[0].readline()

            async def dribble() -> None:
                while True:
                    dribbling[1].write(b"G")
                    await asyncio.sleep(0.05)

            dribbler = asyncio.create_task(dribble())
            async with asyncio.timeout(60):
                for reader, _ in (silent, dribbling):
                    with contextlib.suppress(ConnectionError):
                        assert await reader.read() == b""
            dribbler.cancel()
            talking[1].write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"200 OK" in await talking[0].readuntil(b"200 OK")
            for _, writer in (silent, dribbling, talking):
                writer.close()
        finally:
            await server.stop()

    asyncio.run(scenario())


SMUGGLED = (
    b"Content-Length: 5\r\nTransfer-Encoding: chunked",
    b"Content-Length: 5\r\nContent-Length: 6",
    b"Content-Length: +5",
    b"Content-Length: 5, 5",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    b"Content-Length: -1",
    b"X: a\r\n folded",
    b"X: a\0b",
    b"Bad Name: 1",
    b"Host: localhost",
)


@pytest.mark.parametrize("header", SMUGGLED)
def test_a_request_that_two_readers_could_read_differently_is_refused_and_the_line_cut(
    host: Host, header: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    inner = b"POST /rpc/v1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    request = b"POST /rpc/v1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + header + b"\r\n\r\n"

    async def send() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", host.server.port)
        writer.write(request + b"0\r\n\r\n" + inner)
        async with asyncio.timeout(100):
            answer = await reader.read()
        writer.close()
        return answer

    answer = host.run(send())
    assert not any(record.exc_info for record in caplog.records)
    assert answer.count(b"HTTP/1.") == 1 and (b" 400 " in answer[:20] or b" 403 " in answer[:20]), answer
    assert host.node.apps.changes == []


credentials = st.one_of(
    st.binary(max_size=80),
    st.sampled_from([b"arch_", b"archs_", b"Bearer arch_", b"Bearer archs_", b"Bearer ", b"Basic b3duZXI6b3duZXI="]),
    st.binary(max_size=20).map(lambda text: b"Bearer archs_" + text),
    st.binary(max_size=20).map(lambda text: b"Bearer arch_" + text),
).map(lambda text: bytes(letter for letter in text if letter >= 32 and letter != 127))


@given(
    name=st.sampled_from([b"Authorization", b"Cookie", b"Sec-WebSocket-Protocol"]),
    values=st.lists(credentials, min_size=1, max_size=3),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_made_up_secret_lets_anybody_in(host: Host, name: bytes, values: list[bytes]) -> None:
    prefix = b"Bearer arch_" if name == b"Authorization" else b"archipelago, archs_"
    body = b'{"jsonrpc":"2.0","id":1,"method":"container-list"}'
    head = [b"POST /rpc/v1 HTTP/1.1", b"Host: localhost", b"Content-Type: application/json", b"Connection: close"]
    head += [
        b"Content-Length: %d" % len(body),
        *(name + b": " + (prefix if at % 2 else b"") + value for at, value in enumerate(values)),
    ]

    async def send() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", host.server.port)
        writer.write(b"\r\n".join(head) + b"\r\n\r\n" + body)
        async with asyncio.timeout(100):
            answer = await reader.read()
        writer.close()
        return answer

    answer = host.run(send())
    assert b'"result"' not in answer and b"Traceback" not in answer
    assert any(word in answer for word in (b"login-needed", b"too-many", b" 400 ")), answer
