"""Signed transactions over real Reticulum, through a wire that loses 30 % of the packets, to a real bitcoind."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from support.harness import TestNode, remove_leftovers
from support.lossy_wire import LossyWire
from support.mesh import KNOTS, cli, gateway_address, mesh_port, send, signed

# In one lane, since each lane makes the images of our own apps once.
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(600),
    pytest.mark.long,
    pytest.mark.lane(1),
    pytest.mark.waits,
]

USED = {
    "mesh-gateway": "broadcasts a signed transaction that comes over a wire which loses 30 % of the packets",
    "reticulum": "brings the fragments of a transaction from another node to the gateway, and the report back",
}
GATEWAY = "mesh-gateway"
LOSS = 0.3
_CALL = (
    "import json, sys; from pathlib import Path; from meshtx.serving import read_settings;"
    "node = read_settings(Path('/etc/mesh-gateway/settings.json')).node\n"
    "for line in sys.argv[1:]:\n"
    "    method, *parameters = json.loads(line)\n"
    "    try: print('allowed', node._call(method, *parameters))\n"
    "    except Exception as error: print('refused', error)"
)
"""Calls of bitcoind from within the gateway, with its own login."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    """A node with bitcoind on regtest, Reticulum and the gateway; its wallet has coins."""
    remove_leftovers()
    found = TestNode("mesh")
    try:
        await found.start()
        await found.install(KNOTS, options={"network": "regtest"})
        await found.install(GATEWAY)
        await cli(found, "createwallet", "away")
        await cli(found, "generatetoaddress", "110", await cli(found, "getnewaddress"))
        yield found
    finally:
        await found.destroy()


async def coin(node: TestNode) -> tuple[dict[str, object], float]:
    """Return a coin of the wallet that no transaction in the mempool spends."""
    found = json.loads(await cli(node, "listunspent"))[0]
    return {"txid": found["txid"], "vout": found["vout"]}, float(found["amount"])


async def broadcasts(node: TestNode, txid: str) -> int:
    """Return how often the gateway gave a transaction to bitcoind, by its log."""
    lines = await node.call("container-logs", app=GATEWAY, tail=1000)
    return sum(f"transaction {txid}: accepted" in line["text"] for line in lines)


async def test_a_signed_transaction_arrives_and_the_report_comes_back_and_twice_is_once(
    node: TestNode, tmp_path: Path
) -> None:
    one, amount = await coin(node)
    transaction = await signed(node, [one], {await cli(node, "getnewaddress"): round(amount - 0.001, 8)})
    address = await gateway_address(node)
    async with LossyWire(await mesh_port(node), LOSS) as wire:
        sent = await send(address, [transaction], wire.port, tmp_path / "first")
        assert sent.code == 0, sent
        ((_, word, txid),) = sent.lines
        assert word == "accepted" and txid in json.loads(await cli(node, "getrawmempool"))
        again = await send(address, [transaction], wire.port, tmp_path / "second")
        assert wire.lost > 0
    assert (again.code, [line[1:] for line in again.lines]) == (0, [["accepted", txid]])
    assert await broadcasts(node, txid) == 1

    await node.done(await node.call("container-restart", app=GATEWAY))
    assert await gateway_address(node) == address, "its key is a secret of the node"
    async with LossyWire(await mesh_port(node), LOSS) as wire:
        later = await send(address, [transaction], wire.port, tmp_path / "third")
    assert (later.code, [line[1:] for line in later.lines]) == (0, [["known", txid]])
    assert await broadcasts(node, txid) == 1


async def test_what_the_node_refuses_comes_back_with_its_reason(node: TestNode, tmp_path: Path) -> None:
    one, amount = await coin(node)
    output = {await cli(node, "getnewaddress"): round(amount - 0.001, 8)}
    unsigned = await cli(node, "createrawtransaction", json.dumps([one]), json.dumps(output))
    missing = [{"txid": "11" * 32, "vout": 0}]
    unknown = await cli(node, "createrawtransaction", json.dumps(missing), json.dumps(output))
    async with LossyWire(await mesh_port(node), LOSS) as wire:
        sent = await send(await gateway_address(node), [unsigned, unknown, "00" * 300], wire.port, tmp_path)
    assert sent.code == 1
    assert {line[1] for line in sent.lines} == {"refused"}
    said = "\n".join(line[2] for line in sent.lines)
    assert "script-verify" in said and "missing" in said and "TX decode failed" in said
    assert one["txid"] not in (await cli(node, "getrawmempool"))


async def test_the_login_of_the_gateway_can_broadcast_and_nothing_else(node: TestNode) -> None:
    calls = ["getblockchaininfo"], ["getnewaddress"], ["getbalance"], ["stop"], ["getpeerinfo"], ["dumptxoutset", "x"]
    said = await node.execute(GATEWAY, "python3", "-c", _CALL, *map(json.dumps, calls))
    assert [line.split()[0] for line in said.splitlines()] == ["allowed", *["refused"] * 5], said
    assert said.count("does not let this app call") == 5


async def test_both_apps_say_what_they_see(node: TestNode) -> None:
    # The gateway stays; a sender that has gone is counted until the next look, some seconds later.
    async with asyncio.timeout(200):
        while "; 1 connected; " not in (said := await node.execute("reticulum", "/usr/local/bin/health")):
            await asyncio.sleep(0.5)
    assert said.startswith("Apps and programs up; ") and "destinations known" in said
    assert "accepted" in await node.execute(GATEWAY, "/usr/local/bin/health")
    secret = await node.execute(
        "reticulum", "/usr/bin/python3", "-c", "import os; print(os.readlink('/paths/storage/transport_identity'))"
    )
    assert secret.strip() == "/run/reticulum/transport_identity", "the key is in memory alone"
