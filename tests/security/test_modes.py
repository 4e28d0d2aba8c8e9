"""No other user of the host reads anything of the node's: on a new node, and on one that an earlier version made."""

import os
import re
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from support.harness import TestNode, podman, remove_leftovers, running_node
from support.old_node import unpack
from support.stranger import as_stranger, open_to_strangers
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(200)]

OPEN_FILE = """init: true
    user: "7:7"
    mounts: [{volume: data, path: /data}]
    files: [{path: /etc/token, template: token, mode: "0444"}]
    secret_environment: {TOKEN: "{{ secrets.token }}"}"""
HOME = Path(os.environ["ARCHIPELAGO_ROOT"])
RUNTIME = Path(os.environ["ARCHIPELAGO_RUNTIME"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with an app that asks for a file that all may read."""
    remove_leftovers()
    apps = tmp_path_factory.mktemp("catalog")
    more = "volumes: {data: {data: files}}\nsecrets: {token: {kind: token}}"
    write_app(apps, "open", more=more)
    manifest = apps / "open" / "manifest.yml"
    manifest.write_text(manifest.read_text().replace("init: true", OPEN_FILE))
    (apps / "open" / "token").write_text("{{ secrets.token }}\n")
    async with running_node("modes", apps=apps) as running:
        await running.install("open")
        await running.execute("open", "busybox", "sh", "-c", "umask 0; echo coins >/data/wallet; chmod 777 /data")
        yield running


def allowed(node: TestNode) -> set[str]:
    """Return what strangers may do, and why."""
    return {
        # Anybody may call: the kernel tells the node who does, and only owners get an answer.
        f"calls {node.socket}",
    }


def own(node: TestNode) -> tuple[Path, ...]:
    """Return the node's folders; what the harness itself writes there is closed first."""
    (node.root / "daemon.log").chmod(0o600)
    return (node.root, node.runtime)


async def test_a_stranger_reads_nothing_of_a_new_node(node: TestNode) -> None:
    assert open_to_strangers(*own(node)) == allowed(node)


async def test_the_same_look_finds_what_is_open(node: TestNode) -> None:
    planted = node.root / "planted"
    planted.touch()
    planted.chmod(0o644)
    socket_mode = stat.S_IMODE(node.socket.stat().st_mode)
    assert socket_mode == 0o666
    assert open_to_strangers(*own(node)) == {*allowed(node), f"reads {planted}"}
    planted.unlink()


async def test_nobody_guesses_a_name_in_a_folder_that_may_be_passed(node: TestNode) -> None:
    names = podman("unshare", "find", str(node.root), str(node.runtime), "-type", "f", "-name", "*token*").split()
    assert any(name.startswith(f"{node.runtime}/files/open/") for name in names)
    script = "import sys; print([p for p in sys.argv[1:] if not __import__('os').access(p, 4)] == sys.argv[1:])"
    assert as_stranger(script, *names, str(node.root / "apps" / "open" / "volumes" / "data" / "wallet")) == b"True\n"


async def test_the_app_itself_reads_its_files(node: TestNode) -> None:
    # By Podman: the node takes secrets out of what it shows.
    token = podman("exec", "archipelago-open--main", "busybox", "cat", "/etc/token")
    assert len(token.strip()) > 30
    assert await node.execute("open", "busybox", "id", "-u") == "7\n"
    assert await node.execute("open", "busybox", "cat", "/data/wallet") == "coins\n"


async def test_a_stranger_reads_nothing_that_podman_and_the_tools_keep(node: TestNode) -> None:
    names = ("tests", "tmp", "pytest", "hypothesis", ".cache")  # .cache: what lint and the browser keep
    of_tests = [*(str(HOME / name) for name in names), str(RUNTIME / "t"), f"{RUNTIME}/own-test_"]
    # Users of containers read these. They tell names and addresses within the node, to whoever knows a container's ID.
    of_containers = re.compile(
        f"reads {RUNTIME}/containers/overlay-containers/[0-9a-f]{{64}}/userdata/"
        r"(conmon\.pid|pidfile|hostname|hosts|oci-log|resolv\.conf|passwd|group|(run/)?\.containerenv)"
    )
    found = {one for one in open_to_strangers(HOME, RUNTIME) if not of_containers.fullmatch(one)}
    found = {one for one in found if not one.partition(" ")[2].startswith(tuple(of_tests))}
    assert not found, "\n".join(sorted(found))


async def test_a_stranger_reads_nothing_of_a_node_that_an_earlier_version_made() -> None:
    old = TestNode("old-modes", apps=HOME / "none")
    try:
        unpack(old)
        before = open_to_strangers(old.root)
        assert {f"reads {old.root}/state.db", f"lists {old.root}/keeper"} <= before
        await old.start()
        (old.root / "notes.txt").chmod(0o600)  # not the node's own
        (old.root / "folder").chmod(0o700)
        (old.root / "fixture.json").chmod(0o600)
        assert open_to_strangers(*own(old)) == allowed(old)
        findings = await old.call("doctor")
        assert not [each for each in findings if each["check"] in ("file-modes", "left-data")]
        (old.root / "identity.key").chmod(0o644)
        findings = await old.call("doctor")
        (found,) = (each for each in findings if each["check"] == "file-modes")
        assert f"{old.root}/identity.key" in found["what"]
    finally:
        await old.destroy()
