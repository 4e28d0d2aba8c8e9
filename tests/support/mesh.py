"""The sender's end of a mesh, as a process of its own with real Reticulum, beside a wire that loses packets."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from support.checkout import APPS
from support.harness import TestNode

PROGRAM = APPS / "mesh-gateway" / "files"
_CONFIGURATION = """[reticulum]
share_instance = No

[interfaces]
[[wire]]
type = TCPClientInterface
enabled = Yes
target_host = 127.0.0.1
target_port = {port}
"""
KNOTS = "bitcoin-knots"


@dataclass(frozen=True, slots=True)
class Sent:
    """What the command for senders said."""

    code: int
    lines: list[list[str]]
    """By transaction: its name, what became of it, and the id or the reason."""
    errors: str


async def send(gateway: str, transactions: list[str], port: int, folder: Path, *options: str) -> Sent:
    """Send transactions to a gateway through a port of loopback at which Reticulum is reached."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config").write_text(_CONFIGURATION.format(port=port))
    (folder / "transactions").write_text("\n".join(transactions) + "\n")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "meshtx", "send", gateway, str(folder / "transactions")),
        *("--config", str(folder), "--wait", "0.5", *options),
        env={**os.environ, "PYTHONPATH": str(PROGRAM), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    lines = [line.split(" ", 2) for line in said.decode().splitlines() if not line.startswith("[")]
    return Sent(process.returncode, lines, errors.decode())


async def mesh_port(node: TestNode) -> int:
    """Return the port of loopback at which the app `reticulum` takes connections."""
    status = await node.call("container-status", app="reticulum")
    return int(status["endpoints"][0]["address"].rpartition(":")[2])


async def gateway_address(node: TestNode) -> str:
    """Return the address of the gateway on the mesh."""
    return (await node.execute("mesh-gateway", "python3", "-m", "meshtx", "address")).strip()


async def cli(node: TestNode, *words: str) -> str:
    """Call bitcoind, as its owner."""
    return (await node.execute(KNOTS, "bitcoin-cli", "-regtest", *words)).strip()


async def signed(node: TestNode, inputs: list[dict[str, object]], outputs: dict[str, float]) -> str:
    """Return a transaction that the node's wallet has signed, in hexadecimal digits."""
    raw = await cli(node, "createrawtransaction", json.dumps(inputs), json.dumps(outputs))
    done = json.loads(await cli(node, "signrawtransactionwithwallet", raw))
    assert done["complete"], done
    return str(done["hex"])
