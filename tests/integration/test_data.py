"""Data that is lost, another's, or worth money: no app starts without its data, and keys to money are not deleted."""

import asyncio
import contextlib
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.harness import RpcError, TestNode, podman, remove_leftovers, running_node
from support.tiny_apps import ALIVE, PATIENT, write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400), pytest.mark.waits]

COUNT = "echo start >> /data/starts; exec busybox httpd -f -p 8000 -h /data"
SEEDED = 'health: {probe: {type: exec, command: [/usr/bin/busybox, test, "-s", /keys/seed]}, interval: 1s}'
"""Of the wallet: it is healthy once its seed is written."""
SEED = "[ -e /keys/seed ] || busybox cat /proc/sys/kernel/random/uuid > /keys/seed; exec busybox sleep 1000"
VOLUMES = """volumes:
  keys: {data: files, funds: true}
  cache: {data: rebuildable}
secrets:
  password: {}"""


def shell(command: str, mounts: str, health: str = ALIVE) -> dict[str, str]:
    """Return what `write_app` takes for an app that runs a command of the shell on its volumes."""
    return {"command": f'[sh, -c, "{command}"]', "health": f"{health}\n    mounts: [{mounts}]"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with an app that counts its starts, and a wallet."""
    remove_leftovers()
    catalog = tmp_path_factory.mktemp("catalog")
    counter = shell(COUNT, "{volume: data, path: /data}", PATIENT)
    write_app(catalog, "counter", **counter, more="volumes: {data: {data: files}}")
    mounts = "{volume: keys, path: /keys}, {volume: cache, path: /cache}"
    write_app(catalog, "wallet", **shell(SEED, mounts, SEEDED), more=VOLUMES)
    async with running_node("data", apps=catalog) as found:
        await found.install("counter")
        yield found


def inside(*command: str) -> str:
    """Run a command that sees what users of containers own."""
    return podman("unshare", *command)


async def stopped(node: TestNode, app: str) -> None:
    """Stop an app."""
    await node.done(await node.call("container-stop", app=app))


async def refused(node: TestNode, app: str) -> dict[str, Any]:
    """Start an app, require that it does not come up, and return its status."""
    operation = await node.ended(await node.call("container-start", app=app))
    assert operation["state"] == "failed" and operation["error"]["code"] == "not-healthy", operation
    status: dict[str, Any] = await node.call("container-status", app=app)
    health = status["health"]
    assert (health["state"], health["needs_owner"], health["restarts"]) == ("failed", True, 0)
    assert health["reason"] in operation["error"]["message"]
    return status


async def doctor(node: TestNode, check: str) -> list[dict[str, Any]]:
    """Return what the doctor found, by the name of the check."""
    return [each for each in await node.call("doctor") if each["check"] == check and each["severity"] == "error"]


async def test_a_volume_that_is_gone_stops_its_app_until_it_is_back(node: TestNode) -> None:
    volume = node.root / "apps" / "counter" / "volumes" / "data"
    await stopped(node, "counter")
    inside("mv", str(volume), f"{volume}.away")
    status = await refused(node, "counter")
    assert "was there, and is gone" in status["health"]["reason"] and "start-empty" in status["health"]["reason"]
    assert [(each["volume"], each["lost"]) for each in status["lost_volumes"]] == [("data", True)]
    assert not volume.exists()
    [finding] = await doctor(node, "data")
    assert str(volume) in finding["what"] and "start-empty counter" in finding["mend"]
    inside("mv", f"{volume}.away", str(volume))
    await node.until("counter", "healthy")
    assert await node.execute("counter", "busybox", "cat", "/data/starts") == "start\nstart\n"
    assert (await node.call("container-status", app="counter"))["lost_volumes"] == []
    assert not await doctor(node, "data")


async def test_a_directory_where_the_disk_is_not_mounted_is_no_new_volume(node: TestNode) -> None:
    volume = node.root / "apps" / "counter" / "volumes" / "data"
    await stopped(node, "counter")
    # As mount(8) shows it: another directory, and after umount(8) that which is below, which has nothing in it.
    inside("mv", str(volume), f"{volume}.disk")
    inside("cp", "-a", "--attributes-only", f"{volume}.disk", str(volume))
    inside("sh", "-c", f"rm -rf {volume}/*")
    status = await refused(node, "counter")
    assert "an empty directory is in its place" in status["health"]["reason"]
    with pytest.raises(RpcError, match="not the ones that were named"):
        await node.call("data-start-empty", app="counter", volumes=["other"])
    node.kill()  # nor does a restart of the node forget it
    await node.start()
    assert (await node.until("counter", "failed", "healthy"))["health"]["needs_owner"]
    await node.call("data-start-empty", app="counter", volumes=["data"])
    await node.until("counter", "healthy")
    assert await node.execute("counter", "busybox", "cat", "/data/starts") == "start\n"


async def test_data_of_other_user_ids_is_told_with_the_repair_and_crashes_nothing(node: TestNode) -> None:
    volume = node.root / "apps" / "counter" / "volumes" / "data"
    await stopped(node, "counter")
    right = inside("stat", "-c", "%u:%g", str(volume))
    inside("chown", "-R", "700000:700000", str(volume))
    status = await refused(node, "counter")
    command = re.search(rf"sudo chown -R (\d+):\1 {volume}", status["health"]["reason"])
    assert command and status["lost_volumes"][0]["lost"] is False
    uid, first = int(right.split(":")[0]), inside("sed", "-n", "2p", "/proc/self/uid_map").split()
    assert int(command[1]) == int(first[1]) + uid - int(first[0])
    assert [each["mend"].count("sudo chown") for each in await doctor(node, "data")] == [1]
    with pytest.raises(RpcError, match="not the ones that were named"):
        await node.call("data-start-empty", app="counter", volumes=["data"])
    inside("chown", "-R", right, str(volume))  # what that command does, in the ids of the namespace
    await node.until("counter", "healthy")
    assert await node.execute("counter", "busybox", "cat", "/data/starts") == "start\nstart\n"


async def removed(node: TestNode) -> None:
    """Remove the wallet with its data."""
    await node.done(await node.call("container-remove", app="wallet", delete_data=True))


async def test_keys_to_money_outlive_the_removal_of_their_app(node: TestNode) -> None:
    folder = node.root / "apps" / "wallet"
    await node.install("wallet")
    seed = await node.execute("wallet", "busybox", "cat", "/keys/seed")
    password = await node.call("secret-show", app="wallet", name="password")
    owner = inside("stat", "-c", "%u", str(folder / "volumes" / "keys"))
    await removed(node)
    [kept] = await node.call("data-list")
    assert (kept["app"], kept["secrets"], [each["name"] for each in kept["volumes"]]) == ("wallet", 1, ["keys"])
    assert sorted(path.name for path in folder.iterdir()) == ["kept"]

    await node.install("wallet")
    other = await node.execute("wallet", "busybox", "cat", "/keys/seed")
    assert other != seed and await node.call("secret-show", app="wallet", name="password") != password
    assert inside("stat", "-c", "%u", str(folder / "volumes" / "keys")) == owner
    with pytest.raises(RpcError, match="is installed"):
        await node.call("data-restore", app="wallet", kept=kept["kept"])
    await removed(node)
    first, second = await node.call("data-list")
    assert first == kept

    await node.call("data-restore", app="wallet", kept=first["kept"])
    with pytest.raises(RpcError, match="other data in the volume 'keys' and among its secrets"):
        await node.call("data-restore", app="wallet", kept=second["kept"])
    await node.install("wallet")
    assert await node.execute("wallet", "busybox", "cat", "/keys/seed") == seed
    assert await node.call("secret-show", app="wallet", name="password") == password
    assert await node.call("data-list") == [second]
    await node.call("data-delete", app="wallet", kept=second["kept"])
    with pytest.raises(RpcError, match="nothing of wallet is kept"):
        await node.call("data-delete", app="wallet", kept=second["kept"])


async def test_what_was_kept_holds_the_app_s_user_ids_until_it_is_deleted(node: TestNode) -> None:
    await removed(node)
    [kept] = await node.call("data-list")
    await node.call("data-delete", app="wallet", kept=kept["kept"])
    assert not (node.root / "apps" / "wallet").exists()
    assert await node.call("data-list") == []


@contextlib.contextmanager
def read_only(directory: Path) -> Iterator[None]:
    """Have everybody in Podman's namespace only read a directory, as on a disk that the kernel has given up."""
    # The kernel refuses that while somebody, such as Podman, has a file open there to write.
    once_it_can = 'until mount -o remount,bind,ro "$1" 2>/dev/null; do sleep 0.05; done'
    script = f'mount --bind "$1" "$1" && {once_it_can} && echo ro && cat; umount -l "$1"'
    with subprocess.Popen(
        ["podman", "unshare", "sh", "-c", script, "sh", str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        assert holder.stdout.readline() == "ro\n"
        try:
            yield
        finally:
            holder.stdin.close()
            holder.wait()


async def test_an_app_whose_disk_can_only_be_read_is_not_called_healthy_and_not_restarted(node: TestNode) -> None:
    volume = node.root / "apps" / "counter" / "volumes" / "data"
    pid = podman("inspect", "--format", "{{.State.Pid}}", "archipelago-counter--main")
    with read_only(volume):
        status = await node.until("counter", "unhealthy")
        assert "its disk can only be read" in status["health"]["reason"] and status["health"]["needs_owner"]
        [finding] = await doctor(node, "data")
        assert str(volume) in finding["what"] and "dmesg" in finding["mend"]
    await node.until("counter", "healthy")
    assert podman("inspect", "--format", "{{.State.Pid}}", "archipelago-counter--main") == pid


async def test_a_volume_that_no_manifest_knows_is_named_and_left_to_its_owner(node: TestNode) -> None:
    async def named() -> list[str]:
        return [each["what"] for each in await node.call("doctor") if each["check"] == "unused-volumes"]

    image = podman("inspect", "--format", "{{.ImageName}}", "archipelago-counter--main")
    box = podman("create", "--volume", "/data", image, "true")
    volume = podman("inspect", "--format", "{{range .Mounts}}{{.Name}}{{end}}", box)
    assert volume not in str(await named()), "a container has it"
    podman("rm", box)  # as an earlier version did: the volume stays
    [what] = await named()
    assert volume in what
    podman("volume", "rm", volume)
    assert volume not in str(await named())


async def test_apps_are_stopped_in_their_own_way_where_podman_can_write_nothing(node: TestNode) -> None:
    bye = "trap 'echo bye >> /data/said; exit' TERM; while :; do busybox sleep 0.1; done"
    assert node.apps is not None
    mounts = shell(bye, "{volume: data, path: /data}")
    write_app(node.apps, "polite", **mounts, more="volumes: {data: {data: files}}", grace="260s")
    await node.install("polite")
    said = node.root / "apps" / "polite" / "volumes" / "data" / "said"
    with read_only(Path(podman("info", "--format", "{{.Store.GraphRoot}}"))):
        async with asyncio.timeout(200):  # and not only at the end of the time that it has
            await node.stop()
    assert inside("cat", str(said)) == "bye"
    await node.start()
    await node.until("polite", "healthy")
    await node.until("counter", "healthy")
