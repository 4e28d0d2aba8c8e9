"""By the real command: an app that needs a newer version of an installed one comes after its update, or not at all."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.harness import TestNode, remove_leftovers, running_node
from support.tiny_apps import ALIVE, write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

_DATA = "\n    mounts: [{volume: data, path: /data}]"
_WRITE = '[sh, -c, "echo {version} >> /data/versions; {then}"]'
_KEEP_ON = "exec busybox sleep 100000"


def offer_dock(node: TestNode, version: str, then: str = _KEEP_ON) -> None:
    """Offer a version of the provider; each writes into its data that it was there."""
    assert node.apps is not None
    more = "volumes: {data: {data: files}}\nprovides: {dock: {container: main, port: 8000}}\nrelease_notes: More room."
    command = _WRITE.format(version=version, then=then)
    write_app(node.apps, "dock", version=version, command=command, health=f"{ALIVE}{_DATA}", more=more)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with dock 1.0, and a catalog with a ship that needs dock 2."""
    remove_leftovers()
    folder = tmp_path_factory.mktemp("catalog")
    async with running_node("first", apps=folder, environment={"ARCHIPELAGO_SOAK": "1"}) as running:
        offer_dock(running, "1.0")
        await running.install("dock")
        write_app(folder, "ship", health=ALIVE, more="requires: {dock: {version: '>=2'}}")
        yield running


async def command(node: TestNode, *words: str) -> tuple[int, str]:
    """Run the command where nobody can be asked; return its exit code, and all that it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "archipelago.cli", *words),
        env={**os.environ, "ARCHIPELAGO_SOCKET": str(node.socket)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def versions(node: TestNode) -> dict[str, str]:
    return {each["app"]: each["version"] for each in await node.call("container-list")}


async def written(node: TestNode) -> list[str]:
    """Return the versions of which the data of the provider knows."""
    return (await node.execute("dock", "busybox", "cat", "/data/versions")).split()


async def test_an_update_that_does_not_work_keeps_the_new_app_away_and_the_data_as_it_was(node: TestNode) -> None:
    offer_dock(node, "2.0", then="exit 7")
    code, said = await command(node, "install", "ship", "--yes")
    assert code != 0 and "dock was not updated, so ship was not installed" in said, said
    assert "are back" in said
    assert await versions(node) == {"dock": "1.0"}
    assert set(await written(node)) == {"1.0"}


async def test_the_plan_is_agreed_to_and_then_both_come_one_after_the_other(node: TestNode) -> None:
    offer_dock(node, "2.1")
    for words in (("install", "ship"), ("install", "ship", "--json")):
        code, said = await command(node, *words)
        assert code != 0, said
        assert await versions(node) == {"dock": "1.0"}, "nobody has agreed to it"
    code, said = await command(node, "plan", "ship")
    assert code == 0 and "update   dock 2.1" in said and "install  ship 1.0" in said, said
    assert "dock is updated first; if that fails, nothing is installed" in said and "More room." in said
    code, said = await command(node, "install", "ship", "--yes")
    assert code == 0, said
    assert await versions(node) == {"dock": "2.1", "ship": "1.0"}
    found = await written(node)
    assert found[-1] == "2.1" and "2.0" not in found
    kept = await node.call("snapshot-list", app="dock")
    assert "before-update" in {each["kind"] for each in kept}, "the update can be undone"
