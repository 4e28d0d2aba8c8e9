"""A node that an earlier version made keeps its apps, its coins and its secrets, wherever its first start is killed.

`fixtures/first-layout.tar.xz` is the data root of a real node of commit 528ae93, from `fixtures/make_first_layout.py`.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from fixtures.make_first_layout import offer
from support.harness import RpcError, TestNode, podman, remove_leftovers
from support.old_node import unpack

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

MOVED = "each app has a folder of its own by now"
KEEPER_IDS = "0:65537:65536"
"""The user ids of the second app that was installed."""
TICKS = "while :; do echo tick | tee -a /data/ticks; sleep 0.1; done"


def inside(*command: str) -> str:
    """Run a command that sees what users of containers own."""
    return podman("unshare", *command)


def run_as_before(node: TestNode, image: str) -> None:
    """Start the container that the old daemon, killed, would have left running."""
    # As that version wrote them: a name that changes makes the node lose its containers.
    labels = (f"io.archipelago.node={node.node_id()}", "io.archipelago.app=keeper", "io.archipelago.container=main")
    podman(
        *(
            "run",
            "--detach",
            "--name",
            "archipelago-keeper--main",
            "--init",
            "--user",
            "1000:1000",
            "--network",
            "none",
        ),
        *(f"--label={label}" for label in (*labels, "io.archipelago.hash=of-the-old-paths")),
        *(f"--uidmap={KEEPER_IDS}", f"--gidmap={KEEPER_IDS}", "--volume", f"{node.root}/keeper/data:/data"),
        *("--log-driver", "k8s-file", "--log-opt", f"path={node.root}/logs/keeper/main.log"),
        *(image, "sh", "-c", TICKS),
    )


def start_until_killed(node: TestNode) -> int:
    """Start the daemon over and over, each time killed once it has moved something; return how often that was."""
    program = [sys.executable, str(Path(__file__).with_name("dying_daemon.py"))]
    deaths, renames, before = 0, 1, ""
    while not (node.root / "apps").exists():
        done = subprocess.run([*program, str(renames)], env=node.full_environment(), capture_output=True, text=True)
        assert done.returncode == -9, done.stderr
        found = inside("find", str(node.root), "-maxdepth", "3")
        # What was written anew in the place of the same is no step.
        renames = renames + 1 if found == before else 1
        deaths, before = deaths + 1, found
    return deaths


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory, busybox_image: str) -> AsyncIterator[TestNode]:
    """The old node, whose first start with today's program was killed at each step, running."""
    remove_leftovers()
    catalog = tmp_path_factory.mktemp("catalog")
    offer(catalog, "gone", "data", "{data: files}")
    node = TestNode("migrated", apps=catalog)
    try:
        unpack(node)
        run_as_before(node, busybox_image)
        assert start_until_killed(node) > 15
        await node.start()
        yield node
    finally:
        await node.destroy()


def facts(node: TestNode) -> dict[str, str]:
    """Return what the old node had."""
    return dict(json.loads((node.root / "fixture.json").read_text()))


async def bitcoin(node: TestNode, *command: str) -> str:
    """Ask bitcoind."""
    return (await node.execute("bitcoin-knots", "bitcoin-cli", "-regtest", *command)).strip()


async def test_the_wallet_has_its_coins(node: TestNode) -> None:
    await node.until("bitcoin-knots", "healthy")
    had = facts(node)
    await bitcoin(node, "loadwallet", "savings")
    assert await bitcoin(node, "getbalance") == had["balance"]
    assert await bitcoin(node, "getblockcount") == had["height"]
    assert json.loads(await bitcoin(node, "getaddressinfo", had["address"]))["ismine"]


async def test_an_app_has_its_data_its_secret_and_its_log(node: TestNode) -> None:
    begun = datetime.now(UTC)
    await node.until("keeper", "healthy")
    assert await node.execute("keeper", "busybox", "cat", "/data/words") == "keeper was here\n"
    # By Podman: the node takes secrets out of what it shows.
    assert podman("exec", "archipelago-keeper--main", "busybox", "cat", "/etc/token") == facts(node)["token"]
    assert "tick" in await node.execute("keeper", "busybox", "cat", "/data/ticks"), "it ran meanwhile"
    lines = await node.call("container-logs", app="keeper", tail=10_000)
    assert any(line["text"] == "tick" and datetime.fromisoformat(line["at"]) < begun for line in lines)
    source = podman("inspect", "--format", "{{range .Mounts}}{{.Source}} {{end}}", "archipelago-keeper--main")
    assert str(node.root / "apps" / "keeper" / "volumes" / "data") in source
    assert len(await node.call("container-logs", app="bitcoin-knots", tail=10_000)) > 100


async def test_an_app_that_was_removed_finds_its_data_again(node: TestNode) -> None:
    await node.install("gone")
    assert await node.execute("gone", "busybox", "cat", "/data/words") == "gone was here\n"


async def test_an_app_called_like_a_folder_of_the_node_has_its_data_and_the_node_its_own(node: TestNode) -> None:
    assert inside("cat", str(node.root / "apps" / "images" / "volumes" / "photos" / "words")) == "images was here"
    assert list((node.root / "images").glob("*.json")) and not (node.root / "images" / "photos").exists()
    await node.done(await node.call("container-remove", app="images", delete_data=True))
    assert list((node.root / "images").glob("*.json"))


async def test_all_else_is_where_it_was(node: TestNode) -> None:
    verdict = await node.call("audit-verify")
    assert verdict["entries"] > 10 and not verdict["faults"], verdict
    assert (node.root / "notes.txt").read_text() == "the owner's own\n" and (node.root / "folder").is_dir()
    names = {path.name for path in node.root.iterdir()}
    assert not names & {"secrets", "sbom", "keeper", "gone", "bitcoin-knots", "apps.new"}


async def test_the_next_start_moves_nothing(node: TestNode) -> None:
    def places() -> str:
        return inside("find", str(node.root / "apps"), "-maxdepth", "4", "-type", "d", "-printf", "%i %p %U %m\n")

    await node.stop()
    before = places()
    await node.start()
    assert places() == before
    assert (node.root / "daemon.log").read_text().count(MOVED) <= 1


async def test_a_newer_layout_is_refused_and_nothing_changes(node: TestNode) -> None:
    await node.stop()
    version = node.root / "apps" / ".layout.json"
    text = version.read_text()
    version.write_text('{"version": 3}')
    with pytest.raises(RuntimeError, match="newer version of Archipelago"):
        await node.start()
    version.write_text(text)
    await node.start()
    with pytest.raises(RpcError):
        await node.call("container-start", app="images")
    await asyncio.to_thread(node.kill)
