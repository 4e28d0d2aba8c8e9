"""Operations side by side, cancelled, and too late to cancel: what one does, no other one puts back."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from archipelago.performance.host import read_host_facts
from support.harness import RpcError, TestNode, podman, remove_leftovers, running_node
from support.podman_fixtures import busybox_rootfs
from support.tiny_apps import write_app
from support.tiny_registry import TinyImage, tiny_registry

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

DEAF_UNLESS_ONE = '[sh, -c, "[ {{ options.n }} = 1 ] && exec busybox httpd -f -p 8000 -h /; exec busybox sleep 100000"]'
OPTION = "options: {n: {type: int, label: N, default: 1, minimum: 1, maximum: 9}}"
WITH_DATA = f"{OPTION}\nvolumes: {{data: {{data: files}}}}"
MOUNT = "init: true\n    mounts: [{volume: data, path: /data}]"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node whose catalog the tests write."""
    remove_leftovers()
    async with running_node("operations", apps=tmp_path_factory.mktemp("catalog")) as running:
        yield running


def offer(node: TestNode, app: str, *, version: str = "1.0", more: str = OPTION) -> Path:
    """Offer an app that does not answer unless its option is 1; return its manifest."""
    assert node.apps is not None
    write_app(node.apps, app, command=DEAF_UNLESS_ONE, more=more, version=version)
    manifest = node.apps / app / "manifest.yml"
    if "volumes" in more:
        manifest.write_text(manifest.read_text().replace("init: true", MOUNT))
    return manifest


async def option(node: TestNode, app: str) -> object:
    """Return the app's option."""
    return (await node.call("container-status", app=app))["options"]["n"]


async def test_a_cancelled_installation_leaves_the_data_of_an_earlier_one(node: TestNode) -> None:
    offer(node, "keeper", more=WITH_DATA)
    await node.install("keeper")
    await node.execute("keeper", "busybox", "sh", "-c", "echo wallet > /data/wallet")
    await node.done(await node.call("container-remove", app="keeper"))
    operation = await node.call("container-install", app="keeper", options={"n": 2})
    await node.until_installed("keeper")
    await node.until("keeper", "starting")
    assert (await node.call("operation-cancel", id=operation["id"]))["state"] == "cancelled"
    assert "keeper" not in {app["app"] for app in await node.call("container-list")}
    assert podman("unshare", "cat", str(node.root / "apps" / "keeper" / "volumes" / "data" / "wallet")) == "wallet"


async def test_what_others_change_during_a_long_installation_stays(node: TestNode, tmp_path: Path) -> None:
    for app in ("changed", "stopped", "removed"):
        offer(node, app)
        await node.install(app)
    assert node.apps is not None
    root = await asyncio.to_thread(lambda: busybox_rootfs(tmp_path / "root.tar").read_bytes())
    image = TinyImage(root, read_host_facts(tmp_path).architecture.value, {"io.archipelago.test": secrets.token_hex(8)})
    pulled = asyncio.Event()
    async with tiny_registry(Path.home(), tmp_path, image, ready=pulled) as host:
        write_app(node.apps, "long")
        manifest = node.apps / "long" / "manifest.yml"
        text = manifest.read_text().replace(
            "build: {type: packages, packages: [busybox-static]}", f"image: {host}/long:1@{image.digest}"
        )
        manifest.write_text(text.replace("/usr/bin/busybox", "/bin/busybox"))
        operation = await node.call("container-install", app="long")
        await node.done(await node.call("container-stop", app="stopped"))
        await node.done(await node.call("container-remove", app="removed"))
        await node.done(await node.call("container-config", app="changed", options={"n": 1}))
        assert (await node.call("operation-get", id=operation["id"]))["state"] == "running"
        assert "long" not in {app["app"] for app in await node.call("container-list")}, "its image is not here yet"
        pulled.set()
        await node.done(operation)
    desired = {app["app"]: app["desired"] for app in await node.call("container-list")}
    assert desired["stopped"] == "stopped" and "removed" not in desired
    assert (await node.call("container-status", app="changed"))["options_set"] == ["n"]
    await node.done(await node.call("container-remove", app="long", delete_data=True))
    podman("image", "rm", "--force", f"{host}/long:1@{image.digest}")


async def test_a_cancelled_change_of_options_a_stop_and_a_start_are_undone(node: TestNode) -> None:
    offer(node, "undone")
    await node.install("undone")
    operation = await node.call("container-config", app="undone", options={"n": 2})
    async with asyncio.timeout(200):
        while await option(node, "undone") != 2:
            await asyncio.sleep(0.02)
    assert (await node.call("operation-cancel", id=operation["id"]))["state"] == "cancelled"
    assert await option(node, "undone") == 1
    await node.until("undone", "healthy")

    await node.done(await node.call("container-stop", app="undone"))
    changed = await node.call("container-config", app="undone", options={"n": 2})
    await node.done(changed)
    operation = await node.call("container-start", app="undone")
    await node.until("undone", "starting")
    assert (await node.call("operation-cancel", id=operation["id"]))["state"] == "cancelled"
    await node.until("undone", "stopped")


async def test_an_update_that_may_have_changed_data_goes_on(node: TestNode) -> None:
    offer(node, "forward")
    await node.install("forward")
    manifest = offer(node, "forward", version="2.0")
    manifest.write_text(manifest.read_text().replace("options.n }} = 1", "options.n }} = 5"))
    operation = await node.call("container-update", app="forward")
    async with asyncio.timeout(200):
        while (await node.call("operation-get", id=operation["id"]))["cancellable"]:
            await asyncio.sleep(0.02)
    with pytest.raises(RpcError) as refused:
        await node.call("operation-cancel", id=operation["id"])
    assert refused.value.data["name"] == "too-late"


async def test_a_configuration_is_kept_compared_and_brought_back(node: TestNode) -> None:
    offer(node, "kept", more=f"{OPTION[:-1]}, m: {{type: string, label: M, default: x}}}}")
    offer(node, "other")
    for app in ("kept", "other"):
        await node.install(app)
    before = podman("inspect", "--format", "{{.State.StartedAt}}", "archipelago-other--main")
    await node.done(await node.call("container-config", app="kept", options={"m": "one"}))
    await node.done(await node.call("container-config", app="kept", options={"m": "two"}))
    history = await node.call("config-history", app="kept")
    assert [(each["number"], each["options"]) for each in history] == [(3, {"m": "two"}), (2, {"m": "one"}), (1, {})]
    (change,) = await node.call("config-compare", app="kept", before=1, after=3)
    assert (change["what"], change["before"], change["after"]) == ("m", None, "two")
    node.kill()
    await node.start()
    await node.done(await node.call("config-rollback", app="kept", number=2))
    status = await node.call("container-status", app="kept")
    assert status["options"]["m"] == "one" and status["health"]["state"] == "healthy"
    await node.done(await node.call("config-rollback", app="kept", number=1))
    assert (await node.call("container-status", app="kept"))["options"]["m"] == "x"
    assert [each["number"] for each in await node.call("config-history", app="kept")] == [5, 4, 3, 2, 1]
    assert podman("inspect", "--format", "{{.State.StartedAt}}", "archipelago-other--main") == before
    # A cancelled change is told as what it was: there and back again.
    waiting = await node.call("container-config", app="kept", options={"n": 2})
    await node.call("operation-cancel", id=waiting["id"])
    assert (await node.ended(waiting))["state"] == "cancelled"
    newest = (await node.call("config-history", app="kept"))[0]
    assert newest["options"] == {} and (await option(node, "kept")) == 1
    with pytest.raises(RpcError) as refused:
        await node.call("config-rollback", app="kept", number=99)
    assert "no revision 99" in refused.value.message
    await node.done(await node.call("container-remove", app="kept", delete_data=True))
    assert (await node.call("config-history", app="kept"))[0]["version"] is None


CRASHES_AT_TWO = '[sh, -c, "[ {{ options.n }} = 2 ] && exit 1; exec busybox httpd -f -p 8000 -h /"]'


async def test_options_that_fail_go_back_to_those_that_worked(node: TestNode) -> None:
    assert node.apps is not None
    write_app(node.apps, "back", command=CRASHES_AT_TWO, more=OPTION)
    await node.install("back")
    ended = await node.ended(await node.call("container-config", app="back", options={"n": 2}))
    assert ended["state"] == "failed"
    assert "ended with exit code 1" in ended["error"]["message"]
    assert "the former options are in force again" in ended["error"]["message"]
    status = await node.until("back", "healthy")
    assert (status["options"]["n"], status["options_set"]) == (1, [])
    # What did not work before does not come back: the owner may be on his way out of trouble.
    await node.done(await node.call("container-stop", app="back"))
    await node.done(await node.call("container-config", app="back", options={"n": 2}))
    assert (await node.ended(await node.call("container-start", app="back")))["state"] == "failed"
    manifest = node.apps / "back" / "manifest.yml"
    manifest.write_text(manifest.read_text().replace("= 2 ]", "-gt 1 ]"))
    assert (await node.ended(await node.call("container-update", app="back")))["state"] == "failed"
    ended = await node.ended(await node.call("container-config", app="back", options={"n": 3}))
    assert ended["state"] == "failed" and "former" not in ended["error"]["message"]
    assert await option(node, "back") == 3


async def test_options_that_fail_go_back_after_a_crash_of_the_daemon_too(node: TestNode) -> None:
    assert node.apps is not None
    write_app(node.apps, "crashed", command=CRASHES_AT_TWO.replace("&& exit 1", "&& sleep 1 && exit 1"), more=OPTION)
    await node.install("crashed")
    operation = await node.call("container-config", app="crashed", options={"n": 2})
    async with asyncio.timeout(200):
        while await option(node, "crashed") != 2:
            await asyncio.sleep(0.02)
    node.kill()
    await node.start()
    ended = await node.ended(await node.call("operation-get", id=operation["id"]))
    assert ended["state"] == "failed" and "the former options are in force again" in ended["error"]["message"]
    assert await option(node, "crashed") == 1


CHAIN = "health: {probe: {type: chain, port: 8000, secret: probe}, interval: 1s, start_timeout: 30s}"
ANSWERS = {
    1: '[{"id": "getblockchaininfo", "error": null, "result": {"chain": "regtest", "blocks": 1, "headers": 1,'
    ' "verificationprogress": 1, "initialblockdownload": false}}]',
    2: '{"error": {"code": -28, "message": "Verifying blocks"}}',
}
ANSWER = f"""#!/usr/bin/busybox sh
busybox dd bs=65536 count=1 of=/dev/null 2>/dev/null
printf 'HTTP/1.0 200 OK\\r\\n\\r\\n%s' '{{{{ {ANSWERS} [options.n] }}}}'
"""
SERVES = """busybox nc -ll -p 8000 -e /answer &
busybox sleep {{ 100000 if options.n == 1 else 2 }}
exit 1
"""


async def test_a_daemon_that_answers_while_it_loads_is_not_up_before_it_has_loaded(node: TestNode) -> None:
    assert node.apps is not None
    write_app(node.apps, "loads", command="[sh, /serve]", health=CHAIN, more=f"{OPTION}\nsecrets: {{probe: {{}}}}")
    manifest = node.apps / "loads" / "manifest.yml"
    files = "[{path: /serve, template: serve}, {path: /answer, template: answer, mode: '0555'}]"
    manifest.write_text(manifest.read_text().replace("init: true", f"init: true\n    files: {files}"))
    (node.apps / "loads" / "serve").write_text(SERVES)
    (node.apps / "loads" / "answer").write_text(ANSWER)
    await node.install("loads")
    # As bitcoind does that finds a database damaged: it ends after it has answered for a while.
    ended = await node.ended(await node.call("container-config", app="loads", options={"n": 2}))
    assert ended["state"] == "failed" and "the former options are in force again" in ended["error"]["message"]
    assert await option(node, "loads") == 1
    await node.until("loads", "healthy")


async def test_an_older_version_is_refused_unless_its_owner_insists(node: TestNode) -> None:
    offer(node, "older", version="2.0", more=WITH_DATA)
    await node.install("older")
    offer(node, "older", version="1.0", more=WITH_DATA)
    warning = "older goes back from 2.0 to 1.0"
    assert any(warning in each for each in (await node.call("plan", app="older"))["warnings"])
    with pytest.raises(RpcError, match=warning) as refused:
        await node.call("container-update", app="older")
    assert "--downgrade" in refused.value.data["hint"]
    assert (await node.call("container-status", app="older"))["version"] == "2.0"
    # The data that was left is of the newer version as well.
    await node.done(await node.call("container-remove", app="older"))
    assert any(warning in each for each in (await node.call("plan", app="older"))["warnings"])
    with pytest.raises(RpcError, match=warning):
        await node.call("container-install", app="older")
    await node.install("older", downgrade=True)
    offer(node, "older", version="0.9", more=WITH_DATA)
    await node.done(await node.call("container-update", app="older", downgrade=True))
    assert (await node.call("container-status", app="older"))["version"] == "0.9"
    await node.done(await node.call("container-remove", app="older", delete_data=True))
    assert (await node.call("plan", app="older"))["warnings"] == []
    await node.install("older")
