"""What goes wrong is explained, changes nothing, and mends itself where it can."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from support.harness import APPS_AT, RpcError, TestNode, free_port, podman, remove_leftovers, running_node
from support.tiny_apps import TCP, write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node whose catalog the tests write."""
    remove_leftovers()
    async with running_node("luck", apps=tmp_path_factory.mktemp("catalog")) as running:
        yield running


def catalog(node: TestNode) -> Path:
    """Return the folder of the node's catalog."""
    assert node.apps is not None
    return node.apps


async def command(node: TestNode, *words: str) -> str:
    """Run the command, and return what it prints."""
    environment = {**os.environ, "ARCHIPELAGO_SOCKET": str(node.socket)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "archipelago.cli", *words), env=environment, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out
    return out.decode()


async def installed(node: TestNode) -> set[str]:
    """Return the installed apps."""
    return {each["app"] for each in await node.call("container-list")}


async def test_a_taken_port_refuses_the_installation_and_changes_nothing(node: TestNode) -> None:
    port = free_port()
    endpoint = f"endpoints:\n  web: {{kind: api, protocol: http, container: main, port: 8000, host_port: {port}}}"
    write_app(catalog(node), "taken", more=endpoint)
    with socket.create_server((APPS_AT, port)):
        with pytest.raises(RpcError) as refused:
            await node.call("container-install", app="taken")
        assert refused.value.data["name"] == "port-taken"
        assert str(port) in refused.value.message
        assert "taken" not in await installed(node)
    await node.install("taken")


async def test_a_port_that_is_taken_later_is_said_and_the_app_comes_up_once_it_is_free(node: TestNode) -> None:
    port = free_port()
    endpoint = f"endpoints:\n  web: {{kind: api, protocol: http, container: main, port: 8000, host_port: {port}}}"
    write_app(catalog(node), "later", more=endpoint)
    await node.install("later")
    await node.done(await node.call("container-stop", app="later"))
    with socket.create_server((APPS_AT, port)):
        operation = await node.ended(await node.call("container-start", app="later"))
        assert operation["state"] == "failed"
        assert str(port) in operation["error"]["message"]
    await node.until("later", "healthy")


async def test_an_endpoint_that_nothing_leads_to_yet_has_no_address(node: TestNode) -> None:
    shared = f"{{kind: ui, protocol: http, container: main, port: 8000, host_port: {free_port()}, access: [tor]}}"
    own = f"{{kind: api, protocol: tcp, container: main, port: 8000, host_port: {free_port()}}}"
    write_app(catalog(node), "shared", more=f"endpoints:\n  web: {shared}\n  own: {own}")
    plan = await node.call("plan", app="shared")
    assert any("web" in warning for warning in plan["warnings"])
    await node.install("shared")
    status = await node.call("container-status", app="shared")
    assert [endpoint["name"] for endpoint in status["endpoints"]] == ["own"]


async def test_a_crash_loop_says_why_with_the_last_log_lines(node: TestNode) -> None:
    write_app(catalog(node), "crash", command='[sh, -c, "echo no luck today; exit 3"]')
    operation = await node.ended(await node.call("container-install", app="crash"))
    assert operation["state"] == "failed"
    assert operation["error"]["code"] == "not-healthy"
    assert "exit code 3" in operation["error"]["message"]
    assert "no luck today" in operation["error"]["data"]["logs"]
    status = await node.call("container-status", app="crash")
    assert status["health"]["restarts"] >= 3
    assert status["health"]["failure"]["exit_code"] == 3


async def test_a_provider_that_never_gets_healthy_fails_its_dependents_installation(node: TestNode) -> None:
    ear = "provides: {ear: {container: main, port: 8000}}"
    write_app(catalog(node), "deaf", command='[sleep, "100000"]', health=TCP, more=ear)
    write_app(catalog(node), "speaker", more="requires: {ear: {}}")
    operation = await node.ended(await node.call("container-install", app="speaker"))
    assert operation["state"] == "failed"
    assert "no answer 5 s after its start" in operation["error"]["message"]
    assert operation["error"]["data"]["app"] == "deaf"
    status = await node.call("container-status", app="speaker")
    assert status["health"]["state"] == "waiting"
    assert "deaf" in status["health"]["reason"]


async def test_a_cancelled_installation_leaves_nothing(node: TestNode) -> None:
    write_app(catalog(node), "big", packages="busybox-static, python3, perl")
    operation = await node.call("container-install", app="big")
    async with asyncio.timeout(150):
        while not list((node.root / "tmp" / "builds").glob("build-*")):
            await asyncio.sleep(0.02)
    cancelled = await node.call("operation-cancel", id=operation["id"])
    assert cancelled["state"] == "cancelled"
    assert "big" not in await installed(node)
    assert not list((node.root / "tmp" / "builds").glob("build-*"))
    assert "archipelago/big-main" not in podman("images", "--format", "{{.Repository}}")


async def test_an_installation_cancelled_while_it_starts_is_undone(node: TestNode) -> None:
    slow = "health: {probe: {type: tcp, port: 8000}, start_timeout: 100s}"
    volume = "volumes: {data: {data: files}}"
    write_app(catalog(node), "slow", command='[sleep, "100000"]', health=slow, more=volume)
    text = (catalog(node) / "slow" / "manifest.yml").read_text()
    mount = "    mounts: [{volume: data, path: /data}]\n    init: true"
    (catalog(node) / "slow" / "manifest.yml").write_text(text.replace("    init: true", mount))
    operation = await node.call("container-install", app="slow")
    await node.until_installed("slow")
    await node.until("slow", "starting")
    cancelled = await node.call("operation-cancel", id=operation["id"])
    assert cancelled["state"] == "cancelled"
    assert "slow" not in await installed(node)
    assert not (node.root / "apps" / "slow").exists()


async def test_an_image_that_went_missing_is_brought_back(node: TestNode) -> None:
    write_app(catalog(node), "lost")
    await node.install("lost")
    await node.done(await node.call("container-stop", app="lost"))
    podman("rm", "archipelago-lost--main")
    image = (await node.call("container-status", app="lost"))["containers"][0]["image"]
    podman("rmi", "-f", image)
    await node.done(await node.call("container-start", app="lost"))
    assert podman("image", "exists", image) == ""


async def test_a_package_that_does_not_exist_is_a_clear_error(node: TestNode) -> None:
    write_app(catalog(node), "nopackage", packages="no-such-package-anywhere")
    operation = await node.ended(await node.call("container-install", app="nopackage"))
    assert operation["state"] == "failed"
    assert operation["error"]["code"] == "image"
    assert "no-such-package-anywhere" in operation["error"]["message"]
    assert "nopackage" not in await installed(node)


async def test_cycles_wrong_manifests_and_strange_names_are_refused(node: TestNode) -> None:
    for app, other in (("hen", "egg"), ("egg", "hen")):
        provides = f"provides: {{{app}-service: {{container: main, port: 8000}}}}\nrequires: {{{other}-service: {{}}}}"
        write_app(catalog(node), app, more=provides)
    write_app(catalog(node), "wrong", more="memroy: 1")
    for app, code, part in (
        ("hen", "unresolvable", "egg"),
        ("wrong", "invalid-manifest", "memroy"),
        ("../../etc/passwd", "invalid-params", "app"),
        ("hen\u0000", "invalid-params", "app"),
    ):
        with pytest.raises(RpcError) as refused:
            await node.call("container-install", app=app)
        assert refused.value.data["name"] == code
        assert part in refused.value.message
        assert app not in await installed(node)
    entries = {entry["app"]: entry for entry in await node.call("catalog-list")}
    assert "memroy" in entries["wrong"]["problem"]


async def test_an_update_brings_what_the_catalog_has(node: TestNode) -> None:
    write_app(catalog(node), "fresh")
    await node.install("fresh")
    with pytest.raises(RpcError):
        await node.call("container-update", app="fresh")
    notes = 'release_notes: "- It serves the whole of /usr"'
    write_app(catalog(node), "fresh", version="2.0", command='[httpd, -f, -p, "8000", -h, /usr]', more=notes)
    status = await node.call("container-status", app="fresh")
    assert (status["update_to"], status["release_notes"]) == ("2.0", "- It serves the whole of /usr")
    for words in (("plan", "fresh"), ("update", "fresh", "--yes")):
        said = await command(node, *words)
        assert (
            said.index("update   fresh 2.0") < said.index("what is new:") < said.index("- It serves the whole of /usr")
        )
    status = await node.call("container-status", app="fresh")
    assert (status["version"], status["update_to"], status["release_notes"]) == ("2.0", None, None)
    assert "/usr" in podman("inspect", "archipelago-fresh--main", "--format", "{{.Config.Cmd}}")


async def test_orphans_of_a_crash_are_removed_at_the_next_start(node: TestNode) -> None:
    write_app(catalog(node), "orphan")
    await node.install("orphan")
    node.kill()
    import sqlite3

    with contextlib.closing(sqlite3.connect(node.root / "state.db")) as database, database:
        database.execute("DELETE FROM apps WHERE app = 'orphan'")
    database.close()
    # As an earlier version made it of an image with a VOLUME: what is in there may be the only copy of an app's data.
    labels = [f"--label=io.archipelago.node={node.node_id()}", "--label=io.archipelago.app=orphan"]
    image = podman("inspect", "--format", "{{.Image}}", "archipelago-orphan--main")
    podman("create", "--name", "archipelago-orphan--old", *labels, "--volume", "/data", image, "true")
    volume = podman("inspect", "--format", "{{range .Mounts}}{{.Name}}{{end}}", "archipelago-orphan--old")
    await node.start()
    async with asyncio.timeout(200):
        while podman("ps", "-aq", "--filter", "label=io.archipelago.app=orphan"):
            await asyncio.sleep(0.1)
        assert volume
        podman("volume", "rm", volume)  # fails where it is gone
        while "archipelago-orphan" in podman("network", "ls", "--format", "{{.Name}}").split():
            await asyncio.sleep(0.1)


async def test_two_operations_on_one_app_do_not_mix(node: TestNode) -> None:
    write_app(catalog(node), "busy")
    first = await node.call("container-install", app="busy")
    with pytest.raises(RpcError) as refused:
        await node.call("container-install", app="busy")
    assert refused.value.data["name"] in ("busy", "already-installed")
    await node.done(first)
