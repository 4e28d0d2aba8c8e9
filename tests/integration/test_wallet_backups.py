"""Wallets of a real bitcoind in a backup that is made while it writes to them: each opens, and has all of its keys."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.harness import ROOT, TestNode, remove_leftovers

# In one lane, since each lane makes the images of our own apps once.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900), pytest.mark.lane(1)]

KNOTS = "bitcoin-knots"
NAMES = ("", "savings", 'a "b" [c]*', "deep/er")
CLOSED = "closed"


async def cli(node: TestNode, *words: str) -> str:
    return await node.execute(KNOTS, "bitcoin-cli", "-regtest", *words)


async def of(node: TestNode, wallet: str, *words: str) -> str:
    return (await cli(node, f"-rpcwallet={wallet}", *words)).strip()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    """A node with bitcoind on regtest and a target of backups."""
    remove_leftovers()
    found, disk = TestNode("wallets"), ROOT / "wallets-usb"
    try:
        await found.start()
        await found.install(KNOTS, options={"network": "regtest"})
        disk.mkdir(parents=True)
        settings = {"kind": "folder", "path": str(disk)}
        await found.call("backup-target-add", target="usb", settings=settings, scheduled=False)
        yield found
    finally:
        await found.destroy()
        shutil.rmtree(disk, ignore_errors=True)


async def test_wallets_that_are_written_to_come_back_with_every_key(node: TestNode) -> None:
    for name in (*NAMES, CLOSED):
        await cli(node, "createwallet", name)
    await cli(node, "unloadwallet", CLOSED)
    given = {name: [await of(node, name, "getnewaddress")] for name in NAMES}
    ended = asyncio.Event()

    async def write() -> None:
        while not ended.is_set():
            await of(node, "savings", "getnewaddress")

    writing = asyncio.create_task(write())
    runs = (await node.call("container-status", app=KNOTS))["containers"][0]["started_at"]
    done = await node.done(await node.call("backup-now", app=KNOTS, target="usb"))
    ended.set()
    await writing
    assert (await node.call("container-status", app=KNOTS))["containers"][0]["started_at"] == runs, "it was not stopped"
    (view,) = await node.call("backup-list", target="usb", app=KNOTS)
    preview = await node.call("backup-preview", app=KNOTS, target="usb")
    assert [(each["name"], each["way"]) for each in preview["volumes"]] == [("wallets", "dump")], (view, done)
    assert "wallet-dump" not in await node.execute(KNOTS, "busybox", "ls", "-a", "/data"), "nothing is left of it"

    for name in NAMES:
        await cli(node, "unloadwallet", name)
    await node.execute(KNOTS, "busybox", "sh", "-c", "busybox rm -rf /wallets/*")
    await node.done(await node.call("backup-restore", app=KNOTS, target="usb"))
    await node.until(KNOTS, "healthy")
    loaded = json.loads(await cli(node, "listwallets"))
    for name in (*NAMES, CLOSED):
        if name not in loaded:
            await cli(node, "loadwallet", name)
    for name, addresses in given.items():
        for address in addresses:
            assert json.loads(await of(node, name, "getaddressinfo", address))["ismine"], name
