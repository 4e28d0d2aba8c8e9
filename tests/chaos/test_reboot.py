"""A power cut, or everything killed without one: all that was running comes back in order."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from support.harness import TestNode, podman, remove_leftovers, running_node
from support.sudden_end import cut_power, kill_at_once, kill_everything
from support.tiny_apps import write_app

pytestmark = [pytest.mark.timeout(900), pytest.mark.waits]


def started_at(app: str) -> datetime:
    """Return when an app's container was started."""
    return datetime.fromisoformat(podman("inspect", "--format", "{{json .State.StartedAt}}", name(app)).strip('"'))


def name(app: str) -> str:
    """Return the name of an app's container."""
    return f"archipelago-{app}--main"


@pytest.mark.parametrize("end", [cut_power, kill_everything, kill_at_once])
async def test_after_a_sudden_end_everything_that_is_wanted_comes_back_in_order(
    tmp_path: Path, end: Callable[[TestNode], None]
) -> None:
    remove_leftovers()
    more = "provides: {ear: {container: main, port: 8000}}\nvolumes: {data: {data: files}}"
    write_app(tmp_path, "provider", more=more)
    manifest = tmp_path / "provider" / "manifest.yml"
    mount = "    mounts: [{volume: data, path: /data}]\n    init: true"
    manifest.write_text(manifest.read_text().replace("    init: true", mount))
    write_app(tmp_path, "consumer", more="requires: {ear: {}}")
    write_app(tmp_path, "unwanted")
    async with running_node("reboot", apps=tmp_path) as node:
        await node.install("consumer")
        await node.install("unwanted")
        await node.done(await node.call("container-stop", app="unwanted"))
        await node.execute("provider", "busybox", "sh", "-c", "echo kept > /data/file; sync")
        before = {app: started_at(app) for app in ("provider", "consumer")}
        end(node)
        await node.start()
        await node.until("consumer", "healthy")
        await node.until("unwanted", "stopped")
        assert await node.execute("provider", "busybox", "cat", "/data/file") == "kept\n"
        assert before["provider"] < started_at("provider") < started_at("consumer")
        ask = ["busybox", "wget", "-q", "-O", "-", "http://ear:8000/etc/hostname"]
        async with asyncio.timeout(200):
            # The node looks after Podman's name server, which was killed as well, and may have it started once more.
            while (answer := await node.call("container-exec", app="consumer", command=ask))["exit_code"] != 0:
                await asyncio.sleep(0.2)
        assert answer["stdout"].strip() == "provider--main"
