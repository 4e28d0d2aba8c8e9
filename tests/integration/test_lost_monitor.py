"""A container whose conmon was killed: Podman never learns of its end, so the node must."""

import asyncio
import subprocess
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.harness import APPS_AT, TestNode, free_port, podman, remove_leftovers, running_node
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400), pytest.mark.waits]

LONG_GRACE = "10m"
PORT = free_port()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with a provider and a consumer, which take long to stop."""
    remove_leftovers()
    async with running_node("monitor", apps=tmp_path_factory.mktemp("catalog")) as running:
        assert running.apps is not None
        write_app(running.apps, "provider", grace=LONG_GRACE, more="provides: {ear: {container: main, port: 8000}}")
        endpoint = f"endpoints: {{web: {{kind: api, protocol: http, container: main, port: 8000, host_port: {PORT}}}}}"
        write_app(running.apps, "consumer", grace=LONG_GRACE, more=f"requires: {{ear: {{}}}}\n{endpoint}")
        await running.install("consumer")
        yield running


def kill(app: str, *, process: bool) -> None:
    """kill -9 the conmon of an app, and before it can tell, its first process."""
    name = f"archipelago-{app}--main"
    pid, conmon = podman("inspect", "--format", "{{.State.Pid}} {{.State.ConmonPid}}", name).split()
    both = [conmon, pid] if process else [conmon]
    # By one command: without conmon, the node ends the process itself in no time.
    subprocess.run(["podman", "unshare", "kill", "-9", *both], check=True, timeout=60)


@pytest.mark.parametrize("process", [True, False])
async def test_a_container_comes_back_whether_it_died_with_its_conmon_or_not(node: TestNode, process: bool) -> None:
    before = (await node.call("container-status", app="consumer"))["health"]["restarts"]
    kill("consumer", process=process)
    async with asyncio.timeout(200):
        while True:
            status = await node.call("container-status", app="consumer")
            if status["health"]["restarts"] > before and status["health"]["state"] == "healthy":
                break
            await asyncio.sleep(0.05)
    # Podman's port forwarder goes with conmon: healthy must mean that the owner can reach the app as well.
    _, writer = await asyncio.open_connection(APPS_AT, PORT)
    writer.close()


@pytest.mark.parametrize("process", [True, False])
async def test_it_can_be_stopped_at_once_and_so_can_its_provider(node: TestNode, process: bool) -> None:
    kill("consumer", process=process)
    async with asyncio.timeout(200):
        await node.done(await node.call("container-stop", app="provider"))
    assert not podman("ps", "-q", "--filter", "name=archipelago-").split()
    await node.done(await node.call("container-start", app="provider"))
    await node.until("consumer", "healthy")
