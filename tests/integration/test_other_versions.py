"""What another version of the node left behind: containers go on, and what cannot be read is shown and brought back."""

import contextlib
import json
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.checkout import TESTS
from support.harness import RpcError, TestNode, podman, remove_leftovers
from support.state_copy import copied_state
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

APPS = ("offering", "using", "alone")


class VersionedNode(TestNode):
    """A node whose daemon may be of a version before."""

    former = True

    def command(self) -> list[str]:
        """Return the command that is the daemon."""
        program = TESTS / "former_daemon.py"
        return [sys.executable, str(program)] if self.former else super().command()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[VersionedNode]:
    """A node with three apps; the tests build on each other."""
    remove_leftovers()
    catalog = tmp_path_factory.mktemp("catalog")
    write_app(catalog, "offering", more="provides: {notes: {container: main, port: 8000}}")
    write_app(catalog, "using", more="requires: {notes: {}}")
    write_app(catalog, "alone")
    node = VersionedNode("versions", apps=catalog)
    try:
        await node.start()
        await node.install("using")
        await node.install("alone")
        yield node
    finally:
        await node.destroy()


def runs() -> dict[str, str]:
    """Return which run of which container each app has."""
    return {
        app: podman("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", f"archipelago-{app}--main") for app in APPS
    }


def label(app: str) -> str:
    """Return the hash that a container was made of."""
    return podman("inspect", "--format", '{{index .Config.Labels "io.archipelago.hash"}}', f"archipelago-{app}--main")


def change(node: TestNode, statement: str, **values: Any) -> None:
    """Change the database of a node that does not run."""
    with contextlib.closing(sqlite3.connect(node.root / "state.db")) as database, database:
        assert database.execute(statement, values).rowcount == 1


def package(node: TestNode, app: str) -> dict[str, Any]:
    """Return the package of an installed app, as it is stored."""
    with copied_state(node.root) as database:
        (text,) = database.execute("SELECT package FROM apps WHERE app = ?", (app,)).fetchone()
    return dict(json.loads(text))


async def test_an_update_of_the_node_restarts_no_app(node: VersionedNode) -> None:
    before = runs()
    assert all(set(label(app).strip()) <= set("0123456789abcdef") for app in APPS)
    node.kill()
    node.former = False
    await node.start()
    for app in APPS:
        await node.until(app, "healthy")
    assert runs() == before


async def test_an_app_that_cannot_be_read_goes_on_and_is_shown(node: VersionedNode) -> None:
    before = runs()
    node.kill()
    stored = package(node, "offering")
    # A later version may have had other keys, and other rules about those that are known.
    text = stored["manifest"].replace("interval: 1s", "interval: never") + "\nmoon: full\n"
    newer = json.dumps({**stored, "manifest": text})
    change(node, "UPDATE apps SET package = :package WHERE app = 'offering'", package=newer)
    change(
        node,
        "INSERT INTO operations SELECT '00000000beef', 'teleport', app, 'running', '{}',"
        " json_set(view, '$.id', '00000000beef', '$.kind', 'teleport', '$.state', 'running', '$.depth', 3), created_at"
        " FROM operations WHERE app = 'alone' LIMIT 1",
    )
    await node.start()
    status = await node.until("offering", "failed")
    assert "refuses its manifest" in status["health"]["reason"] and "update the app" in status["health"]["reason"]
    assert status["name"] == "offering" and status["used_by"] == ["using"]
    for app in ("using", "alone"):
        await node.until(app, "healthy")
    assert runs() == before
    assert package(node, "offering") == json.loads(newer)
    assert "00000000beef" not in {each["id"] for each in await node.call("operation-list")}
    with pytest.raises(RpcError, match="does not know"):
        await node.call("operation-get", id="00000000beef")
    # Others are worked on as ever, and what is stored of the app stays.
    await node.done(await node.call("container-restart", app="alone"))
    assert package(node, "offering") == json.loads(newer)


async def test_the_owner_may_stop_it_and_start_it(node: VersionedNode) -> None:
    stored = package(node, "offering")
    await node.done(await node.call("container-stop", app="offering"))
    assert podman("ps", "--quiet", "--filter", "name=archipelago-offering--main").strip() == ""
    ended = await node.ended(await node.call("container-start", app="offering"))
    assert ended["state"] == "failed" and "refuses its manifest" in ended["error"]["message"]
    assert package(node, "offering") == stored


async def test_an_update_brings_it_back(node: VersionedNode) -> None:
    await node.done(await node.call("container-update", app="offering"))
    for app in ("offering", "using"):
        await node.until(app, "healthy")
    assert package(node, "offering")["manifest"] == (Path(str(node.apps)) / "offering" / "manifest.yml").read_text()
