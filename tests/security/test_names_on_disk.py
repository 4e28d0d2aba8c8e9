"""An app may have the name of anything that the node has on disk, and comes to none of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from support.harness import TestNode, podman, remove_leftovers, running_node
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(200)]

HOSTILE = {"tls": "authority", "pycache": "opt", "logs": "audit"}
"""App -> volume: together they once were the path of something of the node's."""
MOUNT = 'init: true\n    user: "0:0"\n    mounts: [{{volume: {}, path: /data}}]'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with such apps, each of which has put something into its volume."""
    remove_leftovers()
    apps = tmp_path_factory.mktemp("catalog")
    for app, volume in HOSTILE.items():
        write_app(apps, app, more=f"volumes: {{{volume}: {{data: files}}}}")
        manifest = apps / app / "manifest.yml"
        manifest.write_text(manifest.read_text().replace("init: true", MOUNT.format(volume)))
    async with running_node("names", apps=apps) as running:
        for app in HOSTILE:
            await running.install(app)
            await running.execute(app, "busybox", "sh", "-c", "echo hostile >/data/planted")
        yield running


def holding(node: TestNode, name: str) -> set[str]:
    """Return where files of a name are, below the data root."""
    found = podman("unshare", "find", str(node.root), "-name", name).split("\n")
    return {str(Path(path).relative_to(node.root)) for path in found if path}


async def test_what_an_app_writes_is_in_its_own_folder(node: TestNode) -> None:
    assert holding(node, "planted") == {f"apps/{app}/volumes/{volume}/planted" for app, volume in HOSTILE.items()}


async def test_an_app_that_goes_with_its_data_takes_nothing_of_the_nodes_along(node: TestNode) -> None:
    (node.root / "tls").mkdir(mode=0o700, exist_ok=True)
    (node.root / "tls" / "authority.key.age").write_text("the node's")
    before = {path.name for path in node.root.iterdir()}
    for app in HOSTILE:
        await node.done(await node.call("container-remove", app=app, delete_data=True))
    assert {path.name for path in node.root.iterdir()} == before
    assert (node.root / "tls" / "authority.key.age").read_text() == "the node's"
    assert not holding(node, "planted")
    assert not {path.name for path in (node.root / "apps").iterdir()} & set(HOSTILE)
    verdict = await node.call("audit-verify")
    assert verdict["entries"] > 6 and not verdict["faults"]
