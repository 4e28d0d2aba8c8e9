"""Datum Gateway as a miner uses it: real work, a block made of it, and a payout to the owner's address alone."""

import asyncio
import hashlib
import json
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from support.app_visit import visiting
from support.harness import TestNode, remove_leftovers
from support.mesh import KNOTS, cli

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(1800)]
USED = {
    "datum-gateway": (
        "a block is made of the work that a miner gets, Bitcoin Knots takes it, and it pays to the owner alone"
    )
}

GATEWAY = "datum-gateway"
MAINNET = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
_CALL = (
    "import json, sys; sys.argv[1:1] = []\n"
    "text = open('/usr/local/bin/gateway').read().rpartition('sys.exit(main())')[0]\n"
    "exec(compile(text, 'gateway', 'exec'))\n"
    "settings = json.load(open(SETTINGS))\n"
    "for line in sys.argv[1:]:\n"
    "    method, *parameters = json.loads(line)\n"
    "    try: print('allowed', json.dumps(ask_node(settings, method, *parameters))[:200])\n"
    "    except Exception as error: print('refused' if 'Expecting value' in str(error) else 'allowed', error)"
)
"""Calls of bitcoind from within the gateway, with its own login; what bitcoind refuses has no body."""

_PAGES = (
    "import json, urllib.error, urllib.request\n"
    "secret = json.load(open('/etc/datum/settings.json'))['bitcoind']['rpcpassword'].encode()\n"
    "for path in ('/', '/config', '/threads', '/clients'):\n"
    "    try: answer = urllib.request.urlopen('http://127.0.0.1:7152' + path)\n"
    "    except urllib.error.HTTPError as error: answer = error\n"
    "    print(answer.status, 'SHOWN' if secret in answer.read() else 'hidden')"
)
"""What pages of the gateway say to whom it does not know, and whether the password at bitcoind is in them."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a miner is given."""

    extra: str
    """What the gateway puts into the middle of the first transaction, in hexadecimal."""
    extra_size: int
    """Bytes after that which are the miner's own."""
    job: list[Any]

    def block(self) -> tuple[str, str]:
        """Return a block of it without further transactions, in hexadecimal, and its hash; on regtest that is quick."""
        _, previous, first, last, branches, version, bits, time, _ = self.job
        assert branches == []
        coinbase = bytes.fromhex(first + self.extra + "00" * self.extra_size + last)
        before = bytes.fromhex(version)[::-1] + b"".join(
            bytes.fromhex(previous[at : at + 8])[::-1] for at in range(0, 64, 8)
        )
        head = before + double_sha256(coinbase) + bytes.fromhex(time)[::-1] + bytes.fromhex(bits)[::-1]
        for nonce in range(1000):
            header = head + struct.pack("<I", nonce)
            found = double_sha256(header)[::-1]
            if found[0] < 0x7F:
                return (header + b"\1" + coinbase).hex(), found.hex()
        raise AssertionError("no block in 1000 tries")


def double_sha256(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    """A node with bitcoind on regtest and the gateway, which pays to an address of bitcoind's wallet."""
    remove_leftovers()
    found = TestNode("datum")
    try:
        await found.start()
        await found.install(KNOTS, options={"network": "regtest"})
        await cli(found, "-named", "createwallet", "wallet_name=owner", "load_on_startup=true")
        await cli(found, "generatetoaddress", "20", await cli(found, "getnewaddress"))
        await found.install(GATEWAY, options={"payout_address": await cli(found, "getnewaddress", "mined", "legacy")})
        await found.until(GATEWAY, "healthy")
        yield found
    finally:
        await found.destroy()


async def endpoint(node: TestNode, kind: str) -> dict[str, Any]:
    status = await node.call("container-status", app=GATEWAY)
    return next(each for each in status["endpoints"] if each["kind"] == kind)


async def work(node: TestNode, height: int) -> Work:
    """Subscribe as a miner does, and return the first work for a height from 17 to 127."""
    host, _, port = (await endpoint(node, "api"))["address"].rpartition(":")
    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_connection(host.rpartition("/")[2], int(port))
        try:
            for number, method, given in ((1, "mining.subscribe", ["test/1"]), (2, "mining.authorize", ["me", "x"])):
                writer.write(json.dumps({"id": number, "method": method, "params": given}).encode() + b"\n")
            extra, size = "", 0
            while True:
                said = json.loads(await reader.readline())
                if said.get("id") == 1:
                    extra, size = said["result"][1:3]
                elif said.get("id") == 2:
                    assert said["result"] is True
                # BIP 34: the height is the first thing in the input of the first transaction.
                elif said.get("method") == "mining.notify" and said["params"][2][84:88] == f"01{height:02x}":
                    return Work(extra, size, said["params"])
        finally:
            writer.close()


async def test_work_is_real_and_a_block_of_it_pays_to_the_owner_alone(node: TestNode) -> None:
    before = int(await cli(node, "getblockcount"))
    given = await work(node, before + 1)
    block, name = given.block()
    assert await cli(node, "submitblock", block) == ""
    assert await cli(node, "getbestblockhash") == name
    made = json.loads(await cli(node, "getblock", name, "2"))
    paid = {each["scriptPubKey"].get("address"): each["value"] for each in made["tx"][0]["vout"] if each["value"]}
    option = {each["name"]: each["value"] for each in await node.call("option-list", app=GATEWAY)}
    assert paid == {option["payout_address"]: 50}
    assert b"Archipelago" in bytes.fromhex(made["tx"][0]["vin"][0]["coinbase"])

    # It looks for new blocks each second, and what it gives miners builds on the newest one.
    again = await work(node, before + 2)
    assert again.job[1] != given.job[1]
    status = await node.until(GATEWAY, "healthy")
    assert status["health"]["state"] == "healthy"


async def test_the_page_opens_and_changes_nothing(node: TestNode) -> None:
    page = await endpoint(node, "ui")
    async with visiting(node, page["site"]) as owner:
        code, _, body = await owner.get("/")
        assert code == 200 and b"DATUM" in body
    # Within the app, since what a command prints has no secrets of the node in it.
    said = await node.execute(GATEWAY, "python3", "-c", _PAGES)
    assert said.split() == ["200", "hidden", *["403", "hidden"] * 3], said


async def test_its_login_may_mine_and_nothing_else(node: TestNode) -> None:
    calls = [["getblocktemplate", {"rules": ["segwit"]}], ["submitblock", "00"], ["getrawmempool"], ["stop"]]
    calls += [["sendrawtransaction", "00"], ["listwallets"], ["generatetoaddress", 1, MAINNET]]
    said = await node.execute(GATEWAY, "python3", "-c", _CALL, *(json.dumps(each) for each in calls))
    assert [line.split()[0] for line in said.splitlines()] == ["allowed"] * 2 + ["refused"] * 5, said
    assert "only to mine blocks" in str(await node.call("plan", app=GATEWAY))


async def test_an_address_of_another_network_is_refused_and_what_worked_stays(node: TestNode) -> None:
    before = {each["name"]: each["value"] for each in await node.call("option-list", app=GATEWAY)}
    operation = await node.ended(await node.call("container-config", app=GATEWAY, options={"payout_address": MAINNET}))
    assert operation["state"] == "failed", operation
    assert f"{MAINNET} is no address of regtest" in json.dumps(await node.call("container-logs", app=GATEWAY, tail=500))
    assert {each["name"]: each["value"] for each in await node.call("option-list", app=GATEWAY)} == before
    await node.until(GATEWAY, "healthy")


async def test_without_an_address_it_waits_for_its_owner_and_gives_no_work(node: TestNode) -> None:
    await node.done(await node.call("container-config", app=GATEWAY, options={"payout_address": ""}))
    status = await node.until(GATEWAY, "syncing")
    assert "waits for the address" in json.dumps(status)
    with pytest.raises((OSError, ValueError, TimeoutError)):
        await work(node, 1)
