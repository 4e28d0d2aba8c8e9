"""LND as the owner of a node uses it: two of them on regtest, with a channel over which they pay."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.checkout import APPS
from support.harness import TestNode

MINE = ("bitcoin-cli", "-regtest", "-generate")
CHANNEL, PUSHED = 1_000_000, 300_000
"""Satoshi of the channel, and what the other side has of it at first."""


def other_lnd(apps: Path) -> None:
    """Write the app `peer`: an LND that reaches the one of the catalog, and whose interfaces have other names."""
    shutil.copytree(APPS / "lnd", apps / "peer")
    text = (APPS / "lnd/manifest.yml").read_text()
    text = text.replace("id: lnd\n", "id: peer\n").replace("host_port: 9735", "host_port: 9736")
    text = text.replace("  lightning-p2p:\n", "  peer-p2p:\n").replace("  lnd-rest:\n", "  peer-rest:\n")
    text = text.replace("\nrequires:\n", "\nrequires:\n  lightning-p2p: {wait: serving}\n")
    (apps / "peer/manifest.yml").write_text(text)


async def install_chain(node: TestNode) -> None:
    """Install a Bitcoin node on regtest, with the block that LND waits for."""
    await node.install("bitcoin-knots", options={"network": "regtest"})
    await node.execute("bitcoin-knots", *MINE, "1")


async def lncli(node: TestNode, app: str, *words: str) -> Any:
    """Call an LND as its owner does."""
    return json.loads(await node.execute(app, "lncli", *words))


async def until(node: TestNode, app: str, holds: Callable[[Any], Any], *words: str) -> Any:
    """Ask an LND until its answer is as it should be; it tells no stranger when that changes."""
    for _ in range(400):
        found = await lncli(node, app, *words)
        if holds(found):
            return found
    raise AssertionError(f"{app} {words}: {found}")


async def connected(node: TestNode) -> None:
    """Connect both: an LND looks up a name once, and apps have another address after each start of theirs."""
    if not (await lncli(node, "peer", "listpeers"))["peers"]:
        key = (await lncli(node, "lnd", "getinfo"))["identity_pubkey"]
        await lncli(node, "peer", "connect", f"{key}@lightning-p2p:9735")


async def channel(node: TestNode) -> dict[str, Any]:
    """Return the channel between both, which is opened where there is none."""
    await connected(node)
    if (await lncli(node, "lnd", "listchannels"))["channels"]:
        found = await until(node, "lnd", lambda found: found["channels"], "listchannels", "--active_only")
        return dict(found["channels"][0])
    address = (await lncli(node, "lnd", "newaddress", "p2tr"))["address"]
    await node.execute("bitcoin-knots", *MINE, "101")
    await node.execute("bitcoin-knots", "bitcoin-cli", "-regtest", "-rpcwallet=miner", "sendtoaddress", address, "0.1")
    await node.execute("bitcoin-knots", *MINE, "1")
    await until(node, "lnd", lambda found: int(found["confirmed_balance"]) == 10_000_000, "walletbalance")
    for app in ("lnd", "peer"):
        await until(node, app, lambda found: found["synced_to_chain"], "getinfo")
    key = (await lncli(node, "peer", "getinfo"))["identity_pubkey"]
    await lncli(node, "lnd", "openchannel", key, str(CHANNEL), str(PUSHED))
    await node.execute("bitcoin-knots", *MINE, "6")
    for app in ("peer", "lnd"):
        opened = await until(node, app, lambda found: found["channels"], "listchannels", "--active_only")
    return dict(opened["channels"][0])


async def pay(node: TestNode, payer: str, payee: str, amount: int) -> None:
    """Have one LND pay an invoice of the other."""
    invoice = await lncli(node, payee, "addinvoice", str(amount))
    await pay_request(node, payer, invoice["payment_request"])
    found = await lncli(node, payee, "lookupinvoice", invoice["r_hash"])
    assert (found["state"], int(found["amt_paid_sat"])) == ("SETTLED", amount)


async def pay_request(node: TestNode, payer: str, request: str) -> None:
    """Have an LND pay an invoice (BOLT 11)."""
    command = ["lncli", "payinvoice", "--force", "--json", request]
    for _ in range(100):  # a channel counts for payments a moment after it is active
        answer = await node.call("container-exec", app=payer, command=command)
        if answer["exit_code"] == 0 or "INSUFFICIENT_BALANCE" not in answer["stdout"]:
            break
    assert answer["exit_code"] == 0, answer
