"""What goes wrong with a chain and its index on disk, by real programs: refused, kept apart, seen, or repaired."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.harness import RpcError, TestNode, podman, remove_leftovers, running_node

# In one lane, since each lane makes the images of our own apps once.
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(1200),
    pytest.mark.lane(1),
    pytest.mark.waits,
]

KNOTS, ELECTRUMX = "bitcoin-knots", "electrumx"
PER = "    per: bitcoin-rpc.network    # an index is of one chain\n"
BLOCKS = 700
"""Enough for bitcoind to throw a file away: the newest 288 blocks stay, and about 250 fill a small file."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    """A node with Bitcoin Knots on regtest, whose files of blocks are small; the tests build on each other."""
    remove_leftovers()
    async with running_node("repairs") as running:
        template = catalog(running, KNOTS) / "files" / "bitcoin.conf.j2"
        text = template.read_text()
        assert "\nfallbackfee=0.0001\n" in text
        template.write_text(text.replace("\nfallbackfee=0.0001\n", "\nfallbackfee=0.0001\nfastprune=1\n"))
        # As the catalog had it before an index was kept for each network.
        manifest = catalog(running, ELECTRUMX) / "manifest.yml"
        text = manifest.read_text()
        assert PER in text and "interval: 15s" in text and "start_timeout: 120s" in text
        # A minute: by then it has started on a busy machine too, and one that cannot is known to be broken.
        text = text.replace("interval: 15s", "interval: 1s").replace("start_timeout: 120s", "start_timeout: 60s")
        manifest.write_text(text.replace(PER, ""))
        await running.install(KNOTS, options={"network": "regtest"})
        yield running


def catalog(node: TestNode, app: str) -> Path:
    """Return the folder of an app in the node's catalog."""
    assert node.apps is not None
    return node.apps / app


def volume(node: TestNode, app: str, name: str) -> Path:
    """Return the directory of a volume, which only the namespace of the containers may enter."""
    return node.root / "apps" / app / "volumes" / name


def inside(node: TestNode, *command: str) -> str:
    """Run a command on files of containers."""
    return podman("unshare", *command)


async def bitcoin(node: TestNode, *arguments: str) -> str:
    """Ask bitcoind."""
    return (await node.execute(KNOTS, "bitcoin-cli", "-regtest", *arguments)).strip()


async def mine(node: TestNode, blocks: int) -> int:
    """Mine blocks of nobody's, and return the height."""
    await bitcoin(node, "generatetodescriptor", str(blocks), "raw(51)#8lvh9jxk")
    return int(await bitcoin(node, "getblockcount"))


async def fails(node: TestNode, method: str, **parameters: Any) -> dict[str, Any]:
    """Begin an operation and return its error."""
    ended = await node.ended(await node.call(method, **parameters))
    assert ended["state"] == "failed", ended
    return dict(ended["error"])


async def suggested(node: TestNode, app: str) -> list[str]:
    """Return the repairs that an app's failure suggests."""
    return [each["repair"] for each in (await node.call("container-status", app=app))["repairs"] if each["suggested"]]


async def until_suggested(node: TestNode, app: str, repair: str) -> list[str]:
    """Return what is suggested once a repair comes first: not while the app, tried again, answers for a moment."""
    async with asyncio.timeout(200):
        while (found := await suggested(node, app))[:1] != [repair]:
            await asyncio.sleep(0.05)
    return found


async def test_an_empty_settings_file_is_set_aside(node: TestNode) -> None:
    settings = volume(node, KNOTS, "chain") / "regtest" / "settings.json"
    inside(node, "truncate", "--size=0", str(settings))
    error = await fails(node, "container-restart", app=KNOTS)
    assert "archipelago repair bitcoin-knots settings" in error["hint"]
    assert await until_suggested(node, KNOTS, "settings") == ["settings"]
    preview = await node.call("repair-preview", app=KNOTS, repair="settings")
    assert any(re.search(r"regtest/settings\.json in volume chain is kept as ", each) for each in preview["effects"])
    assert not preview["funds"]
    await node.done(await node.call("container-repair", app=KNOTS, repair="settings"))
    await node.until(KNOTS, "healthy")
    assert await suggested(node, KNOTS) == []
    names = inside(node, "ls", str(settings.parent)).split()
    assert [name for name in names if name.startswith("settings.json.aside-")] != []
    entries = await node.call("audit-show", limit=10)
    (begun,) = [each for each in entries if each["action"] == "container-repair" and each["outcome"] == "begun"]
    assert begun["subject"] == {"app": KNOTS, "repair": "settings"}


async def test_a_damaged_list_of_coins_is_built_again_once(node: TestNode) -> None:
    height = await mine(node, 3)
    await node.done(await node.call("container-stop", app=KNOTS))
    with pytest.raises(RpcError, match="not to run"):
        await node.call("container-repair", app=KNOTS, repair="rebuild_state")
    current = volume(node, KNOTS, "chain") / "regtest" / "chainstate" / "CURRENT"
    inside(node, "sh", "-c", f"echo garbage > {current}")
    await fails(node, "container-start", app=KNOTS)
    await until_suggested(node, KNOTS, "rebuild_state")
    with pytest.raises(RpcError, match="has no repair"):
        await node.call("container-repair", app=KNOTS, repair="nonsense")
    await node.done(await node.call("container-repair", app=KNOTS, repair="rebuild_state"))
    await node.until(KNOTS, "healthy")
    assert int(await bitcoin(node, "getblockcount")) == height
    arguments = ("inspect", "--format", "{{.Args}}", "archipelago-bitcoin-knots--main")
    assert "-reindex-chainstate" in podman(*arguments)
    # Whoever restarts it later does not begin the work again.
    podman("kill", "--signal", "KILL", "archipelago-bitcoin-knots--main")
    async with asyncio.timeout(200):
        while (await node.call("container-status", app=KNOTS))["health"]["failure"] is None:
            await asyncio.sleep(0.05)
    await node.until(KNOTS, "healthy")
    assert "-reindex" not in podman(*arguments)


async def test_a_pruned_chain_refuses_what_needs_all_blocks(node: TestNode) -> None:
    await node.done(await node.call("container-config", app=KNOTS, options={"prune": 550}))
    await mine(node, BLOCKS)
    # Nothing was thrown away yet, so that the way back is open.
    assert (await node.call("config-preview", app=KNOTS, options={"prune": 0}))["restarts"] == [KNOTS]
    await bitcoin(node, "pruneblockchain", "400")
    before = await node.call("container-status", app=KNOTS)
    for options in ({"prune": 0}, {"blockfilterindex": True}):
        for method in ("config-preview", "container-config"):
            with pytest.raises(RpcError, match="thrown away already") as refused:
                await node.call(method, app=KNOTS, options=options)
            assert "archipelago repair bitcoin-knots download_again" in refused.value.data["hint"]
    after = await node.call("container-status", app=KNOTS)
    assert after["options"] == before["options"]
    runs = [[(each["container"], each["started_at"]) for each in status["containers"]] for status in (before, after)]
    assert runs[0] == runs[1], "nothing was restarted"
    await node.done(await node.call("container-config", app=KNOTS, options={"maxconnections": 10}))
    # Data that was left behind rules out the same.
    await node.done(await node.call("container-remove", app=KNOTS))
    with pytest.raises(RpcError, match="bitcoin-knots cannot have prune=0"):
        await node.call("container-install", app=KNOTS, options={"network": "regtest"})
    await node.install(KNOTS, options={"network": "regtest", "prune": 550})
    await node.done(await node.call("container-repair", app=KNOTS, repair="download_again"))
    await node.done(await node.call("container-config", app=KNOTS, options={"prune": 0}))
    await node.until(KNOTS, "healthy")
    assert int(await bitcoin(node, "getblockcount")) == 0


async def test_an_index_is_kept_for_each_network(node: TestNode) -> None:
    await mine(node, 5)
    await node.install(ELECTRUMX)
    await node.until(ELECTRUMX, "healthy")
    index = volume(node, ELECTRUMX, "index")
    of_old, before = inside(node, "stat", "-c", "%i", f"{index}/utxo"), inside(node, "ls", "-A", str(index)).split()
    manifest = catalog(node, ELECTRUMX) / "manifest.yml"
    manifest.write_text(manifest.read_text().replace("    exclusive: true\n", f"    exclusive: true\n{PER}"))
    await node.done(await node.call("container-stop", app=ELECTRUMX))
    # A move that was killed halfway goes on.
    inside(node, "sh", "-c", f"mkdir {index}/.part && mv {index}/hist {index}/.part/")
    await node.done(await node.call("container-update", app=ELECTRUMX))
    await node.done(await node.call("container-start", app=ELECTRUMX))
    await node.until(ELECTRUMX, "healthy")
    assert inside(node, "ls", "-A", f"{index}/regtest").split() == before
    assert inside(node, "stat", "-c", "%i", f"{index}/regtest/utxo") == of_old

    preview = await node.call("config-preview", app=KNOTS, options={"network": "signet"})
    planned = await node.call("plan", app=KNOTS, options={"network": "signet"})
    assert preview["data"][0] in planned["warnings"]
    assert preview["data"] == [
        "ElectrumX keeps its data of regtest (volume index) in case you change back, and uses that of signet, "
        "which is created if there is none yet"
    ]
    await node.done(await node.call("container-config", app=KNOTS, options={"network": "signet"}))
    status = await node.until(KNOTS, "syncing")
    assert status["health"]["reason"].endswith(", and no other node is connected")
    assert status["chain"]["tip_at"] == "2020-09-01T00:00:00Z" and status["chain"]["height"] == 0
    await node.until(ELECTRUMX, "healthy")
    assert inside(node, "ls", str(index)).split() == ["regtest", "signet"]
    assert (await node.call("container-status", app=ELECTRUMX))["lost_volumes"] == []

    await node.done(await node.call("container-config", app=KNOTS, options={"network": "regtest"}))
    await node.until(ELECTRUMX, "healthy")
    assert inside(node, "stat", "-c", "%i", f"{index}/regtest/utxo") == of_old
    assert inside(node, "stat", "-c", "%a", str(index)) == "710"


async def test_an_index_ahead_of_the_chain_is_seen_and_built_again(node: TestNode) -> None:
    chain = volume(node, KNOTS, "chain")
    await node.done(await node.call("container-stop", app=KNOTS))
    inside(node, "cp", "-a", f"{chain}/regtest", f"{chain}/before")
    await node.done(await node.call("container-start", app=ELECTRUMX))
    await mine(node, 5)
    await until_indexed(node, 10)
    await node.done(await node.call("container-stop", app=KNOTS))
    inside(node, "sh", "-c", f"rm -r {chain}/regtest && mv {chain}/before {chain}/regtest")
    # bitcoind has lost blocks, as after a power cut; its consumer has written them down.
    await node.call("container-start", app=ELECTRUMX)
    async with asyncio.timeout(400):
        while await suggested(node, ELECTRUMX) != ["rebuild_index"]:
            health = await node.call("container-health", app=ELECTRUMX)
            assert health["state"] != "healthy", health
            await asyncio.sleep(0.2)
    health = await node.call("container-health", app=ELECTRUMX)
    assert "is ahead of the node's chain" in str(health), health
    await ended(node, ELECTRUMX)
    await node.done(await node.call("container-repair", app=ELECTRUMX, repair="rebuild_index"))
    await node.until(ELECTRUMX, "healthy")
    assert int(await bitcoin(node, "getblockcount")) == 5


async def until_indexed(node: TestNode, height: int) -> None:
    """Return once ElectrumX has a block."""
    script = "import socket, json; c = socket.create_connection(('127.0.0.1', 8000)); "
    script += """c.sendall(b'{"jsonrpc":"2.0","id":0,"method":"getinfo","params":[]}\\n'); """
    script += "print(json.loads(c.makefile().readline())['result']['db height'])"
    async with asyncio.timeout(200):
        while int(await node.execute(ELECTRUMX, "python3", "-S", "-c", script)) < height:
            await asyncio.sleep(0.2)  # it asks its daemon every few seconds


async def ended(node: TestNode, app: str) -> None:
    """Return once nothing works on an app."""
    (newest,) = await node.call("operation-list", app=app, limit=1)
    await node.ended(newest)
