"""Targets beyond a folder, each a real server on loopback: what gets there, what comes back, and what goes wrong."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.harness import ROOT, RpcError, TestNode, free_port, podman, remove_leftovers
from support.processor_time import require_soon
from support.proof_stores import STORES, running_store
from support.servers import listening
from support.sshd import Sshd, sshd
from support.tiny_apps import PATIENT, write_app
from support.tools import PROGRAMS

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900), pytest.mark.long]

LIKE_OTHERS = ("rest-server", "rclone serve restic, append-only")
"""Services that differ only in what `test_remote_proofs` looks at."""
SOON = 2.0
"""Seconds in which a changed proof is at a target."""
COMMAND = "[sh, -c, 'echo kept > /data/file; exec busybox httpd -f -p 8000 -h /data']"


def run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def grow(node: TestNode, size: int) -> None:
    """Write random bytes into the volume of the app."""
    file = node.root / "apps/app/volumes/data/large"
    podman("unshare", "sh", "-c", f"head -c {size} /dev/urandom > {file}")


async def back_up(node: TestNode, target: str) -> dict[str, Any]:
    return await node.ended(await node.call("backup-now", app="app", target=target))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with one app; it finds the programs of the tests."""
    remove_leftovers()
    found = TestNode("targets", apps=tmp_path_factory.mktemp("catalog"))
    found.environment["PATH"] = f"{found.full_environment()['PATH']}:{PROGRAMS}"
    try:
        await found.start()
        assert found.apps is not None
        health = f"mounts: [{{volume: data, path: /data}}]\n    {PATIENT}"
        write_app(found.apps, "app", command=COMMAND, health=health, more="volumes:\n  data: {data: files}")
        await found.install("app")
        yield found
    finally:
        found.kill()
        await found.destroy()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(ROOT / "sshd") as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nas(node: TestNode, machine: Sshd) -> str:
    """The name of a target on the other machine, where a backup is already."""
    machine.authorize((await node.call("backup-kit"))["ssh_key"])
    await node.call("backup-target-add", target="nas", settings=await place(node, machine), scheduled=False)
    assert (await back_up(node, "nas"))["state"] == "done"
    return "nas"


async def place(node: TestNode, machine: Sshd) -> dict[str, Any]:
    """Return the settings of a target on a machine whose host key the owner has accepted."""
    met = await node.call("backup-ssh", host="127.0.0.1", port=machine.port)
    where = {"host": "127.0.0.1", "port": machine.port, "user": "keeper", "path": "backups/node"}
    return {"kind": "sftp", "host_key": met["host_key"], **where}


async def test_a_machine_gets_backups_over_ssh_once_both_know_each_other(node: TestNode) -> None:
    with sshd(ROOT / "stranger") as other:
        met = await node.call("backup-ssh", host="127.0.0.1", port=other.port)
        assert met["fingerprint"] in run("ssh-keygen", "-lf", str(other.folder / "keys/host.pub"))
        settings = await place(node, other)
        with pytest.raises(RpcError, match="does not accept the key"):
            await node.call("backup-target-add", target="stranger", settings=settings, scheduled=False)
        other.authorize(met["public_key"])
        await node.call("backup-target-add", target="stranger", settings=settings, scheduled=False)
        assert (await back_up(node, "stranger"))["state"] == "done"
        await node.done(await node.call("backup-drill", app="app", target="stranger"))
        await node.call("backup-target-remove", target="stranger")


async def test_another_machine_in_its_place_gets_nothing(node: TestNode, machine: Sshd, nas: str) -> None:
    machine.stop()
    with machine.other_host_key():
        machine.start()
        ended = await back_up(node, nas)
        assert ended["error"]["code"] == "wrong-credentials" and "another host key" in ended["error"]["message"], ended
        await asyncio.to_thread(machine.until_logged, "Connection closed")
        assert "publickey" not in machine.log(), "no login was tried"
        machine.stop()
    machine.start()


async def test_a_machine_that_goes_away_in_the_middle_keeps_what_it_has(
    node: TestNode, machine: Sshd, nas: str
) -> None:
    grow(node, 100_000_000)
    count = len(await node.call("backup-list", target=nas))
    with machine.awaiting_data() as data:
        operation = await node.call("backup-now", app="app", target=nas)
        await asyncio.to_thread(data.wait)
        machine.stop()
    ended = await node.ended(operation)
    assert ended["state"] == "failed" and ended["error"]["hint"], ended
    machine.start()
    assert (await back_up(node, nas))["state"] == "done"
    assert len(await node.call("backup-list", target=nas)) == count + 1


async def test_a_machine_whose_disk_fills_up_is_said_to_be_full(node: TestNode) -> None:
    grow(node, 40_000_000)
    with sshd(ROOT / "small", room="20m") as other:
        other.authorize((await node.call("backup-kit"))["ssh_key"])
        settings = {**await place(node, other), "path": "/backups/node"}
        await node.call("backup-target-add", target="small", settings=settings, scheduled=False)
        ended = await back_up(node, "small")
        assert ended["error"]["code"] == "disk-full", ended
        await node.call("backup-target-remove", target="small")


async def test_of_two_restores_at_once_one_is_told_to_wait(node: TestNode, nas: str) -> None:
    both = await asyncio.gather(
        *(node.call("backup-restore", app="app", target=nas) for _ in range(2)), return_exceptions=True
    )
    (refused,) = [each for each in both if isinstance(each, RpcError)]
    assert "still working on app" in refused.message
    await node.done(next(each for each in both if isinstance(each, dict)))


PROOF = "volumes: {proof: {data: append-proof, funds: true, stream: channel.backup}}"
PROOF_SEED = "[sh, -c, 'echo first > /proof/channel.backup; exec busybox httpd -f -p 8000 -h /proof']"


async def install_lightning(node: TestNode) -> None:
    assert node.apps is not None
    health = f"mounts: [{{volume: proof, path: /proof}}]\n    {PATIENT}"
    write_app(node.apps, "lightning", command=PROOF_SEED, health=health, more=PROOF)
    await node.install("lightning")


async def seconds_until_current(node: TestNode, target: str) -> list[float]:
    """Change the proof of money five times; return how long each took to be at a target, read back from there."""
    proof, took = node.root / "apps/lightning/volumes/proof", []
    await until_current(node, len("first\n"), target)
    for number in range(2, 7):
        content = f"proof {number} {'x' * number}"
        write = f"cd {proof}; printf '{content}' > new; chown --reference=channel.backup new"
        script = f"{write}; date +%s.%N; mv new channel.backup"
        changed = float(await asyncio.to_thread(podman, "unshare", "sh", "-c", script))
        await until_current(node, len(content), target)
        took.append(round(time.time() - changed, 2))
    print(f"seconds until a copy is at {target}, read back from there:", took)
    return took


async def until_current(node: TestNode, size: int, target: str) -> None:
    """Return once a target has the newest copy, of so many bytes."""
    async with asyncio.timeout(150):
        while True:
            found = await node.call("data-streams")
            there = {each["target"]: each for each in found[0]["targets"]} if found else {}
            if there and found[0]["size"] == size and there[target]["current"]:
                return
            await asyncio.sleep(0.02)  # no event tells of it


async def require_proofs_come_back(node: TestNode, target: str) -> None:
    """Remove the app with all that is kept of it here, and have it back from a target."""
    await node.done(await node.call("backup-now", app="lightning", target=target))
    await node.done(await node.call("container-remove", app="lightning", delete_data=True))
    for kept in await node.call("data-list"):
        await node.call("data-delete", app="lightning", kept=kept["kept"])
    await node.done(await node.call("backup-restore", app="lightning", target=target))
    back = sorted((node.root / "apps/lightning/streams/proof").iterdir())
    proofs = ["first", *(f"proof {number} {'x' * number}" for number in range(2, 7))]
    assert [each.read_text().strip() for each in back][:6] == proofs
    await node.done(await node.call("container-remove", app="lightning", delete_data=True))


async def test_a_proof_is_on_another_machine_within_two_seconds_and_comes_back(
    node: TestNode, machine: Sshd, nas: str
) -> None:
    await install_lightning(node)
    took = await seconds_until_current(node, nas)
    require_soon(took, SOON)
    there = f"{machine.served}/backups/node/proofs/lightning/proof"
    names = podman("unshare", "ls", "-A", there).split()
    assert len(names) >= 6 and all(name.endswith(".age") for name in names), "nothing else is left there"
    await require_proofs_come_back(node, nas)


@pytest.mark.parametrize("kind", [each for each in STORES if each not in LIKE_OTHERS])
async def test_a_proof_is_at_each_service_within_two_seconds_and_comes_back(
    node: TestNode, kind: str, tmp_path: Path
) -> None:
    with running_store(kind, tmp_path) as store:
        settings, secret = store.target.model_dump(mode="json"), store.secret
        await node.call("backup-target-add", target="there", settings=settings, secret=secret, scheduled=False)
        await install_lightning(node)
        took = await seconds_until_current(node, "there")
        require_soon(took, SOON)
        await require_proofs_come_back(node, "there")
        assert not [each for each in await node.call("node-notices") if "stream" in each["id"]]
        await node.call("backup-target-remove", target="there")


async def test_what_opens_a_repository_is_listed_and_in_the_kit(node: TestNode, machine: Sshd, nas: str) -> None:
    await node.call("backup-password-add", target=nas, password="correct horse battery", label="me")
    own, mine = await node.call("backup-password-list", target=nas)
    assert (own["node"], mine["node"], mine["label"]) == (True, False, "me")
    with pytest.raises(RpcError, match="of the node itself"):
        await node.call("backup-password-remove", target=nas, password=own["id"])
    kit = await node.call("backup-kit")
    (command,) = (each["command"] for each in kit["targets"] if each["name"] == nas)
    assert f"--sftp keeper@127.0.0.1:backups/node --port {machine.port}" in command
    hidden = await node.call("backup-kit-secrets")
    assert hidden["words"] == await node.call("key-phrase")
    assert not any(secret in node.log() for secret in (hidden["password"], hidden["words"], "correct horse"))


async def test_what_rclone_reaches_is_a_target(node: TestNode) -> None:
    password = "hush-hush-hush"
    port, folder = free_port(), ROOT / "dav"
    folder.mkdir()
    server = ("serve", "webdav", "--addr", f"127.0.0.1:{port}", "--user", "me", "--pass", password, str(folder))
    with listening(port, str(PROGRAMS / "rclone"), *server):
        hidden = run(str(PROGRAMS / "rclone"), "obscure", password).strip()
        config = f"[dav]\ntype = webdav\nvendor = other\nurl = http://127.0.0.1:{port}\nuser = me\npass = {hidden}\n"
        settings = {"kind": "rclone", "remote": "dav", "path": "node"}
        with pytest.raises(RpcError, match="has no remote"):
            await node.call("backup-target-add", target="dav", settings=settings, secret="", scheduled=False)
        await node.call("backup-target-add", target="dav", settings=settings, secret=config, scheduled=False)
        assert (await back_up(node, "dav"))["state"] == "done"
        await node.done(await node.call("backup-drill", app="app", target="dav"))
        assert (folder / "node/config").exists()
        assert hidden not in node.log() + str(await node.call("backup-targets"))
        await node.call("backup-target-remove", target="dav")
