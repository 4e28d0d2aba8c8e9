"""Signed transactions over real Reticulum, through a wire that loses 30 % of all packets, to a real bitcoind.

One in twenty of them is not signed, so the node has to refuse it. A transaction counts as done when its sender has the
report that is true of it, and as broadcast as often as the gateway gave it to bitcoind. The control sends each once and
does not ask again. `BENCH_TRANSACTIONS` says how many.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from report import Figure, plain, report, size

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path.insert(0, str(TESTS))
from support.harness import ROOT, TestNode, remove_leftovers  # noqa: E402
from support.lossy_wire import LossyWire  # noqa: E402
from support.mesh import KNOTS, cli, gateway_address, mesh_port, send  # noqa: E402

COUNT = size(1000, 2, "BENCH_TRANSACTIONS")
CONTROLS = size(100, 1)
LOSS = 0.3
UNSIGNED = 20
"""One in so many is not signed."""
CHUNK = 50
_COINS = (
    "bitcoin-cli -regtest listunspent | busybox grep -E '\"(txid|vout|amount)\":' | "
    "busybox sed 's/.*: //' | busybox tr -d '\",'"
)
"""Prints txid, output and amount of each coin: all of what bitcoind says of them would be too long."""
_SIGN = (
    "while read txid vout amount; do "
    'coin="[{\\"txid\\":\\"$txid\\",\\"vout\\":$vout}]"; '
    'raw=$(bitcoin-cli -regtest createrawtransaction "$coin" "{\\"$1\\":$amount}"); '
    'signed=$(bitcoin-cli -regtest signrawtransactionwithwallet "$raw"); '
    'signed=${signed#*\\"hex\\": \\"}; echo "$raw ${signed%%\\"*}"; done <<EOF\n{coins}\nEOF\n'
)


async def made(node: TestNode, count: int) -> list[tuple[str, str]]:
    """Return transactions, each of a coin of its own: not signed, and signed."""
    await cli(node, "createwallet", "away")
    address = await cli(node, "getnewaddress")
    for _ in range(0, count + 100, CHUNK):
        await cli(node, "generatetoaddress", str(CHUNK), address)
    values = (await node.execute(KNOTS, "busybox", "sh", "-c", _COINS)).split()
    coins = list(zip(values[::3], values[1::3], values[2::3], strict=True))
    lines = [f"{txid} {vout} {float(amount) - 0.0001:.8f}" for txid, vout, amount in coins[:count]]
    found: list[tuple[str, str]] = []
    for first in range(0, count, CHUNK):
        script = _SIGN.replace("{coins}", "\n".join(lines[first : first + CHUNK]))
        said = await node.execute(KNOTS, "busybox", "sh", "-c", script, "sh", address)
        found += [(raw, signed) for raw, signed in (line.split() for line in said.splitlines())]
    assert len(found) == count
    print(f"{count} transactions are made", flush=True)
    return found


async def control(node: TestNode, transactions: list[str], folder: Path) -> float:
    """Return the share of transactions of which the sender knows the fate when each is sent once."""
    async with LossyWire(await mesh_port(node), LOSS) as wire:
        options = ("--wait", "30", "--give-up", "3", "--at-once", str(len(transactions)))
        sent = await send(await gateway_address(node), transactions, wire.port, folder, *options)
    return sum(line[1] != "unknown" for line in sent.lines) / len(transactions)


async def main() -> None:
    """Send, count and print."""
    remove_leftovers()
    ROOT.mkdir(parents=True, exist_ok=True)
    node = TestNode("mesh-bench")
    try:
        await node.start()
        await node.install(KNOTS, options={"network": "regtest"})
        await node.install("mesh-gateway", options={"transactions_per_minute": 60000})
        with tempfile.TemporaryDirectory(dir=ROOT) as name:
            await _measure(node, Path(name))
    finally:
        node.kill()
        await node.destroy()


async def _measure(node: TestNode, folder: Path) -> None:
    pairs = await made(node, COUNT + CONTROLS)
    alone = await control(node, [signed for _, signed in pairs[COUNT:]], folder / "control")
    pairs = pairs[:COUNT]
    refused = set(range(0, COUNT, UNSIGNED))
    transactions = [raw if number in refused else signed for number, (raw, signed) in enumerate(pairs)]
    async with LossyWire(await mesh_port(node), LOSS) as wire:
        began = time.monotonic()
        options = ("--at-once", "64", "--give-up", "600")
        sent = await send(await gateway_address(node), transactions, wire.port, folder / "sender", *options)
        took = time.monotonic() - began
        share = wire.lost / (wire.lost + wire.passed)
    words = Counter(line[1] for line in sent.lines)
    pool = set(json.loads(await cli(node, "getrawmempool")))
    true = sum(line[2] in pool for line in sent.lines if line[1] == "accepted") + words["refused"]
    log = await node.call("container-logs", app="mesh-gateway", tail=10_000)
    given = Counter(said[1] for said in (line["text"].split() for line in log) if said[2:3] == ["accepted"])
    twice = sum(count > 1 for count in given.values())
    octets, payload = int(sent.errors.split(" frames, ")[1].split()[0]), sum(len(each) // 2 for each in transactions)
    print(f"{dict(words)}; lost {share:.1%} of the packets; {sent.errors.strip()}", flush=True)
    expected = {"accepted": COUNT - len(refused), "refused": len(refused)}
    everything = ("those sent", float(COUNT))
    report(
        Figure("delivered, or reported as refused", true, "", everything[0], true / COUNT, "all", words == expected),
        Figure("broadcast more than once", twice, "", everything[0], twice / COUNT, "none", twice == 0),
        plain("control, sent once: fate known", alone * CONTROLS, "", ("those sent", float(CONTROLS))),
        plain("bytes of frames of the sender", octets, "B", ("bytes of the transactions", float(payload))),
        plain("time for all", took, "s", everything),
    )


if __name__ == "__main__":
    asyncio.run(main())
