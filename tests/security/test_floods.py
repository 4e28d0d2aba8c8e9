"""Floods of connections that say little, at a node that may open no more than 1,024 files: its owner is served."""

import asyncio
import contextlib
import os
import ssl
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from support.harness import TestNode, remove_leftovers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400), pytest.mark.waits]

PASSWORD = "correct horse battery staple"
FILES = 1024
FLOOD = 1100
"""Connections that are kept open, or tried: more than the node may open files."""
STRANGERS = tuple(f"127.0.0.{number}" for number in range(2, 10))
"""Where floods come from: addresses enough to fill each listener. Requests are counted by address."""
SMALL_LOG = 64 << 10
OWNER_WAITS = 30.0
"""Seconds in which each of the owner's calls has its answer. Idle, it takes a few milliseconds."""
SLOW = 2.0
"""Seconds: longer than a new connection is spared where somebody at the fullest address can go."""
OUTSIDE = os.environ.get("ARCHIPELAGO_OUTSIDE", "")


class NodeWithFewFiles(TestNode):
    """A daemon that cannot raise its limit either."""

    __test__ = False

    def command(self) -> list[str]:
        return ["prlimit", f"--nofile={FILES}:{FILES}", *super().command()]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    remove_leftovers()
    running = NodeWithFewFiles("floods", apps=tmp_path_factory.mktemp("catalog"))
    try:
        await running.start()
        await running.call("password-set", user="owner", password=PASSWORD)
        yield running
    finally:
        await running.destroy()


@contextlib.asynccontextmanager
async def flood(kind: str, host: str, port: int, sources: Sequence[str] = STRANGERS) -> AsyncIterator[None]:
    """Have a program of its own flood a port; it has risen when this begins, and is over when it ends."""
    process = await asyncio.create_subprocess_exec(
        *("prlimit", "--nofile=8192:8192", sys.executable, str(Path(__file__).with_name("flood.py"))),
        *(kind, host, str(port), str(FLOOD), *sources),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        assert await process.stdout.readline() == b"risen\n"
        yield
        assert process.returncode is None
    finally:
        process.stdin.close()
        await process.wait()


async def command(node: TestNode, *arguments: str) -> None:
    """Run the command, which asks on the node's own socket."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "archipelago.cli", *arguments),
        env=node.full_environment(),
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0


async def require_owner_is_served(node: TestNode, token: str) -> None:
    """Require that each way by which an owner comes is open: the command, the socket, the page, a login, calls."""
    base = f"http://127.0.0.1:{node.port}"
    login = {"jsonrpc": "2.0", "id": 1, "method": "login-status"}
    call = {"jsonrpc": "2.0", "id": 1, "method": "container-list"}
    for _ in range(2):
        async with asyncio.timeout(OWNER_WAITS):
            await command(node, "list")
        async with asyncio.timeout(OWNER_WAITS):
            await node.call("system-info")
        # An idle connection may go; a browser opens another one then, which this client does not.
        connector = aiohttp.TCPConnector(force_close=True)
        async with asyncio.timeout(OWNER_WAITS), aiohttp.ClientSession(base, connector=connector) as browser:
            async with browser.get("/", headers={"Accept": "text/html"}) as page:
                assert page.status in (200, 503) and await page.read()
            async with browser.post("/rpc/v1", json=login) as response:
                assert response.status == 200
            headers = {"Authorization": f"Bearer {token}"}
            for _ in range(3):
                async with browser.post("/rpc/v1", json=call, headers=headers) as response:
                    assert (await response.json())["result"] == []


def open_files(node: TestNode) -> int:
    assert node.process is not None
    return len(os.listdir(f"/proc/{node.process.pid}/fd"))


async def until_free(node: TestNode, before: int) -> None:
    """Return once the daemon has closed what the flood opened."""
    async with asyncio.timeout(60):
        while open_files(node) > before + 16:  # connections to Podman come and go
            await asyncio.sleep(0.1)  # nobody tells when a process closes a file


@pytest.mark.parametrize(
    "kind", ["silent", "first-head", "second-head", "slow-body", "slow-reader", "half-closed", "pipelining"]
)
async def test_the_owner_is_served_while_strangers_take_all_they_can(node: TestNode, kind: str) -> None:
    token = (await node.call("token-create", name=kind, permissions=["read"]))["secret"]
    await require_owner_is_served(node, token)
    before, log = open_files(node), (node.root / "daemon.log").stat().st_size
    async with flood(kind, "127.0.0.1", node.port):
        await require_owner_is_served(node, token)
        assert open_files(node) < FILES * 3 // 4
    await until_free(node, before)
    await require_owner_is_served(node, token)
    assert (node.root / "daemon.log").stat().st_size - log < SMALL_LOG


async def ask_over_tls(node: TestNode, host: str, context: ssl.SSLContext) -> None:
    """Ask on a new connection from this host's own address, as a browser does."""
    connector = aiohttp.TCPConnector(ssl=context, force_close=True)
    async with (
        aiohttp.ClientSession(connector=connector) as browser,
        browser.get(f"https://{host}:{node.port}/healthz") as response,
    ):
        assert response.status == 200


async def ask_slowly(node: TestNode, host: str, context: ssl.SSLContext) -> None:
    """Ask as somebody whose machine takes two seconds over the first message of TLS."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=host)
    reader, writer = await asyncio.open_connection(host, node.port)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()
    writer.write(hello[:20])
    await asyncio.sleep(SLOW)
    writer.write(hello[20:])
    while True:
        incoming.write(await reader.read(65536))
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            assert not reader.at_eof()
    writer.write(outgoing.read())
    writer.close()
    await writer.wait_closed()


@pytest.mark.skipif(not OUTSIDE, reason="'make test' gives this host an address of a local network")
async def test_strangers_on_the_local_network_get_no_further_than_their_share(node: TestNode) -> None:
    host = OUTSIDE.split()[3]
    token = (await node.call("token-create", name="local", permissions=["read"]))["secret"]
    status = await node.call("network-listen", addresses=[host])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=status["authority"])
    before, log = open_files(node), (node.root / "daemon.log").stat().st_size
    for kind in ("silent", "no-handshake"):
        async with flood(kind, host, node.port):
            await require_owner_is_served(node, token)
            async with asyncio.timeout(OWNER_WAITS):
                await asyncio.gather(ask_over_tls(node, host, context), ask_slowly(node, host, context))
            assert open_files(node) < FILES * 3 // 4
    reader, writer = await asyncio.open_connection(host, node.port)
    async with asyncio.timeout(45):  # and not a minute
        assert await reader.read() == b""
    writer.close()
    await until_free(node, before)
    assert (node.root / "daemon.log").stat().st_size - log < SMALL_LOG
    await node.call("network-listen", addresses=[])


@pytest.mark.skipif(not OUTSIDE, reason="'make test' gives this host an address of a local network")
async def test_who_shares_an_address_with_a_flood_gets_in_when_he_tries_again(node: TestNode) -> None:
    host = OUTSIDE.split()[3]
    status = await node.call("network-listen", addresses=[host])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=status["authority"])
    for kind in ("silent", "no-handshake"):
        async with flood(kind, host, node.port, [host]), asyncio.timeout(4 * OWNER_WAITS):
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    await ask_over_tls(node, host, context)
                    break
    await node.call("network-listen", addresses=[])
