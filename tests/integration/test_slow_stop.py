"""An app that needs long to write its data at the end: it gets its time, whatever happens meanwhile."""

import json
from pathlib import Path

import pytest

from support.harness import RpcError, podman, remove_leftovers, running_node
from support.tiny_apps import write_app

pytestmark = [pytest.mark.timeout(600), pytest.mark.waits]

# Writes what it has for four seconds once it is asked to end, as bitcoind does; longer where a test holds it up.
_FLUSH = (
    "echo start >> /data/log; trap 'echo asked >> /data/log; busybox sleep 4; "
    "while [ -e /data/hold ]; do busybox sleep 0.05; done; echo written >> /data/log; exit 0' TERM; "
    "while :; do busybox sleep 0.05; done"
).replace("busybox", "/usr/bin/busybox")
_MORE = "    mounts: [{volume: data, path: /data}]\nvolumes: {data: {data: rebuildable}}"
_ALIVE = 'health: {probe: {type: exec, command: [/usr/bin/busybox, "true"]}, interval: 1s}'


async def test_a_daemon_that_writes_its_cache_is_neither_killed_nor_started_again_meanwhile(tmp_path: Path) -> None:
    remove_leftovers()
    command = f"[sh, -c, {json.dumps(_FLUSH)}]"
    write_app(tmp_path, "flusher", command=command, health=_ALIVE, more=_MORE, grace="30m")
    async with running_node("slow", apps=tmp_path) as node:
        await node.install("flusher")
        log = node.root / "apps" / "flusher" / "volumes" / "data" / "log"

        def lines() -> list[str]:
            return podman("unshare", "cat", str(log)).split()

        assert podman("inspect", "--format", "{{.Config.StopTimeout}}", "archipelago-flusher--main") == "1800"
        hold = str(log.with_name("hold"))
        podman("unshare", "touch", hold)
        restart = await node.call("container-restart", app="flusher")
        await node.until("flusher", "stopping")
        node.kill()
        await node.start()  # it finds an app that is to run, and that ends
        podman("unshare", "rm", hold)
        await node.done(restart)
        await node.until("flusher", "healthy")
        found = lines()
        assert found.count("written") == found.count("start") - 1, "each end was a whole one, before the next start"
        assert [line for line in found if line != "asked"][:3] == ["start", "written", "start"]

        podman("unshare", "touch", hold)
        stop = await node.call("container-stop", app="flusher")
        await node.until("flusher", "stopping")
        with pytest.raises(RpcError, match="still working on flusher"):
            await node.call("container-start", app="flusher")  # its owner is in a hurry
        podman("unshare", "rm", hold)
        await node.done(stop)
        await node.done(await node.call("container-start", app="flusher"))
        write_app(tmp_path, "flusher", command=command, health=_ALIVE, more=_MORE, grace="30m", version="2.0")
        await node.done(await node.call("container-update", app="flusher"))
        await node.stop()
        runs = [line for line in lines() if line != "asked"]
        whole = ["start", "written"] * (len(runs) // 2)
        assert len(runs) >= 8 and runs == whole, "no end was cut short, and no start came before it"
