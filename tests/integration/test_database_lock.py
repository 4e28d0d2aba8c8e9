"""A node whose state database another program has locked: it waits, then says what it is, and changes nothing."""

import asyncio
from pathlib import Path

import pytest

from support.harness import podman, remove_leftovers, running_node
from support.other_database_user import locked
from support.tiny_apps import write_app

pytestmark = [pytest.mark.timeout(300), pytest.mark.waits]


async def test_a_lock_is_waited_for_and_then_named_and_changes_nothing(tmp_path: Path) -> None:
    remove_leftovers()
    write_app(tmp_path, "app", more="options: {n: {type: int, label: N, default: 1}}")
    async with running_node("locked", apps=tmp_path) as node:
        await node.install("app")
        pid = podman("inspect", "--format", "{{.State.Pid}}", "archipelago-app--main")
        database = node.root / "state.db"

        node.kill()
        with locked(database) as other, pytest.raises(RuntimeError) as refused:
            await node.start()
        said = str(refused.value)
        assert f"process {other.pid} " in said and str(database) in said and "Traceback" not in said

        with locked(database) as other:
            starting = asyncio.create_task(node.start())
            await asyncio.wait({starting}, timeout=3)
            assert not starting.done(), "whoever copies the database is waited for"
            assert other.stdin is not None
            other.stdin.close()
            await starting
        assert podman("inspect", "--format", "{{.State.Pid}}", "archipelago-app--main") == pid

        with pytest.raises(AssertionError), locked(database):
            pass  # while the node runs, nobody else gets a lock
        await node.done(await node.call("container-config", app="app", options={"n": 2}))
        assert (await node.call("container-status", app="app"))["options"] == {"n": 2}
