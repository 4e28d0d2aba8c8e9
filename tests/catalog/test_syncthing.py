"""Syncthing as an owner uses it: a folder that is shared with another device of his."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.checkout import APPS
from support.harness import ROOT, TestNode, copy_apps, remove_leftovers, running_node
from support.used_apps import calling, password, restart

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]
USED = {
    "syncthing": "a file arrives from another Syncthing with which it shares a folder, and one goes there; they stay"
}

APP, OTHER = "syncthing", "laptop"
WRITE = ["/usr/bin/busybox", "sh", "-c"]


def laptop(apps: Path) -> None:
    """Write another device of the owner: the same app, which reaches the port of the first."""
    shutil.copytree(APPS / APP, apps / OTHER)
    text = (APPS / APP / "manifest.yml").read_text()
    text = text.replace(f"id: {APP}\n", f"id: {OTHER}\n").replace("host_port: 8384", "host_port: 8385")
    text = text.replace("host_port: 22000", "host_port: 22001")
    (apps / OTHER / "manifest.yml").write_text(text + "\nrequires:\n  syncthing: {wait: serving}\n")
    first = apps / APP / "manifest.yml"
    first.write_text(first.read_text() + "\nprovides:\n  syncthing: {container: main, port: 22000}\n")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    """A node with two devices that reach nothing but each other."""
    remove_leftovers()
    apps = copy_apps(ROOT / "use-syncthing.apps")
    shutil.rmtree(apps / OTHER, ignore_errors=True)
    laptop(apps)
    async with running_node("use-syncthing", apps=apps) as running:
        for app in (APP, OTHER):
            await running.install(app, options={"internet": False})
            await running.until(app, "healthy")
        yield running


async def rest(node: TestNode, app: str, path: str, put: dict[str, Any] | None = None, method: str = "PUT") -> Any:
    """Call the interface of Syncthing for its owner's programs, with their key."""
    config = await node.execute(app, "/usr/bin/busybox", "cat", "/settings/config.xml")
    key = config.partition("<apikey>")[2].partition("</apikey>")[0]
    async with calling(node, app, "page") as client:
        body = None if put is None else json.dumps(put)
        status, said = await client.ask("GET" if put is None else method, f"/rest/{path}", body, X_API_Key=key)
        assert status == 200, said
        return json.loads(said) if said.startswith(("{", "[")) else said


async def shared(node: TestNode) -> None:
    """Have both devices know each other, and share the folder `notes`."""
    ids = {app: (await rest(node, app, "system/status"))["myID"] for app in (APP, OTHER)}
    for app, peer in ((APP, OTHER), (OTHER, APP)):
        # Only the laptop has a way: the node waits for it at its port.
        way = "tcp://syncthing:22000" if app == OTHER else "dynamic"
        await rest(node, app, f"config/devices/{ids[peer]}", {"deviceID": ids[peer], "addresses": [way]})
        folder = {"id": "notes", "path": "/files/notes", "devices": [{"deviceID": each} for each in ids.values()]}
        await rest(node, app, "config/folders/notes", {**folder, "fsWatcherDelayS": 1})


async def arrived(node: TestNode, app: str, name: str) -> str:
    """Return a file of the folder once it is there."""
    for _ in range(300):
        command = [*WRITE, f"/usr/bin/busybox cat /files/notes/{name}"]
        answer = await node.call("container-exec", app=app, command=command)
        if answer["exit_code"] == 0:
            return str(answer["stdout"])
        await rest(node, app, "events?limit=1&timeout=1")
    raise AssertionError(await rest(node, app, "db/status?folder=notes"))


async def test_nobody_gets_in_without_the_password_that_the_node_made(node: TestNode) -> None:
    secret = await password(node, APP)
    async with calling(node, APP, "page") as client:
        status, page = await client.ask("GET", "/")
        assert (status, "Syncthing" in page) == (200, True)
        for path in ("/rest/system/status", "/rest/config"):
            assert (await client.ask("GET", path))[0] == 403
        for tried, expected in (("wrong", 403), (secret, 204)):
            answer = await client.ask(
                "POST", "/rest/noauth/auth/password", json.dumps({"username": "owner", "password": tried})
            )
            assert answer[0] == expected, answer


async def test_a_file_arrives_on_the_other_device_and_stays(node: TestNode) -> None:
    await shared(node)
    await node.execute(OTHER, *WRITE, "echo from the laptop >/files/notes/one")
    await rest(node, OTHER, "db/scan?folder=notes", {}, method="POST")
    assert await arrived(node, APP, "one") == "from the laptop\n"
    await restart(node, APP)
    await node.until(OTHER, "healthy")  # it was stopped as well, as its way is gone meanwhile
    assert await arrived(node, APP, "one") == "from the laptop\n"
    await node.execute(APP, *WRITE, "echo from the node >/files/notes/two")
    await rest(node, APP, "db/scan?folder=notes", {}, method="POST")
    assert await arrived(node, OTHER, "two") == "from the node\n"


async def test_it_says_which_folder_has_stopped(node: TestNode) -> None:
    lost = "config/folders/lost"
    await rest(node, APP, lost, {"id": "lost", "path": "/files/lost", "rescanIntervalS": 1})
    await arrived(node, APP, "../lost/.stfolder/syncthing-folder-*")
    await node.execute(APP, *WRITE, "/usr/bin/busybox rm -r /files/lost/.stfolder")
    health = (await node.until(APP, "unhealthy"))["health"]
    assert "folder lost has stopped" in health["reason"], health
    await rest(node, APP, lost, {}, method="DELETE")
    await node.until(APP, "healthy")
