"""A node whose state database another program has locked: it waits, then says what it is, and changes nothing."""

import asyncio
from pathlib import Path

import pytest

from support.harness import RpcError, podman, remove_leftovers, running_node
from support.other_database_user import locked
from support.tiny_apps import write_app

pytestmark = pytest.mark.timeout(180)


async def test_a_lock_is_waited_for_and_then_named_and_changes_nothing(tmp_path: Path) -> None:
    remove_leftovers()
    write_app(tmp_path, "app", more="options: {n: {type: int, label: N, default: 1}}")
    async with running_node("locked", apps=tmp_path) as node:
        await node.install("app")
        pid = podman("inspect", "--format", "{{.State.Pid}}", "archipelago-app--main")
        revision = (await node.call("system-info"))["revision"]
        with locked(node.root / "state.db") as other:
            # Whoever asks while somebody copies the database gets what he asked for.
            asked = asyncio.create_task(node.call("container-config", app="app", options={"n": 2}))
            await asyncio.wait({asked}, timeout=1)
            assert not asked.done()
            assert other.stdin is not None
            other.stdin.close()
            await node.done(await asked)
        assert (await node.call("container-status", app="app"))["options"] == {"n": 2}
        assert podman("inspect", "--format", "{{.State.Pid}}", "archipelago-app--main") == pid

        revision = (await node.call("system-info"))["revision"]
        with locked(node.root / "state.db") as other:
            refusals = await asyncio.gather(
                node.call("container-config", app="app", options={"n": 3}),
                node.call("user-add", user="eve", role="viewer", password="correct horse battery"),
                return_exceptions=True,
            )
            for refused in refusals:
                assert isinstance(refused, RpcError) and refused.data["name"] == "busy", refused
                assert str(node.root / "state.db") in refused.message
                assert f"process {other.pid} " in refused.message and refused.data["hint"]
            assert [app["app"] for app in await node.call("container-list")] == ["app"], "what is known is shown"
        assert await node.call("events-since", revision=revision) == []
        assert (await node.call("container-status", app="app"))["options"] == {"n": 2}
        assert await node.call("user-list") == []
        await node.done(await node.call("container-config", app="app", options={"n": 3}))
        assert "Traceback" not in node.log()
