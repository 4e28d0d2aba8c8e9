"""What an app may take is changed while it runs, and one that fills its part of the disk is paused.

Whether the kernel enforces limits depends on the host: see tests/vm.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.harness import RpcError, TestNode, remove_leftovers, running_node
from support.tiny_apps import PATIENT, write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

MIB = 1 << 20
FILL = "busybox dd if=/dev/zero of=/data/x bs=1M count=20 2>/dev/null; exec busybox httpd -f -p 8000 -h /data"
HEALTH = f"""{PATIENT}
    mounts: [{{volume: data, path: /data}}]"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with an app that keeps 20 MiB."""
    remove_leftovers()
    catalog: Path = tmp_path_factory.mktemp("catalog")
    more = "volumes: {data: {data: files}}"
    write_app(catalog, "notes", command=f'[sh, -c, "{FILL}"]', health=HEALTH, more=more)
    async with running_node("limits", apps=catalog) as found:
        await found.install("notes")
        yield found


async def share(node: TestNode) -> dict[str, Any]:
    return next(each for each in (await node.call("system-resources"))["apps"] if each["app"] == "notes")


async def started_at(node: TestNode) -> str:
    return str((await node.call("container-status", app="notes"))["containers"][0]["started_at"])


async def test_a_limit_changes_without_a_restart_and_outlives_the_daemon(node: TestNode) -> None:
    before = await started_at(node)
    assert (await share(node))["memory_limit"] == 512 * MIB
    changed = await node.call("container-limits", app="notes", memory=256 * MIB, cpu_weight=300)
    assert (changed["memory_limit"], changed["cpu_weight"]) == (256 * MIB, 300)
    assert (await node.call("container-status", app="notes"))["containers"][0]["limits"]["memory"] == 256 * MIB
    with pytest.raises(RpcError, match="the memory of notes can be from"):
        await node.call("container-limits", app="notes", memory=1 << 50)
    node.kill()
    await node.start()
    await node.until("notes", "healthy")
    own = {key: value for key, value in (await share(node))["own"].items() if value is not None}
    assert own == {"memory": 256 * MIB, "cpu_weight": 300}
    await node.call("container-limits", app="notes", reset=["memory", "cpu_weight"])
    assert (await share(node))["memory_limit"] == 512 * MIB
    assert await started_at(node) == before


async def test_an_app_that_fills_its_part_of_the_disk_is_paused_until_it_may_take_more(node: TestNode) -> None:
    await node.call("container-limits", app="notes", disk=10 * MIB)
    async with asyncio.timeout(100):
        while (await node.call("system-disk"))["counting"]:
            await asyncio.sleep(0.2)
    status = await node.until("notes", "stopped")
    assert "takes more than 10.0 MiB" in status["health"]["reason"]
    (paused,) = (await node.call("system-resources"))["paused"]
    assert (paused["app"], paused["cause"], paused["reason"]) == ("notes", "disk-limit", status["health"]["reason"])
    (notice,) = [each for each in await node.call("node-notices") if each["id"] == "disk:limit-notes"]
    assert notice["text"] == "the node has paused notes: its data takes more than it may"
    (disk,) = (await node.call("system-disk"))["apps"]
    assert disk["limit"] == 10 * MIB and disk["history"][-1]["bytes"] == disk["bytes"] >= 20 * MIB
    await node.call("container-limits", app="notes", disk=0)
    await node.until("notes", "healthy")
    assert (await node.call("system-resources"))["paused"] == []
