"""Backups with real restic and Podman: what comes back, and what goes wrong with targets."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from archipelago.backups.backup_sources import HOST
from archipelago.backups.password import repository_password
from archipelago.security.keys.node_key import NodeKey
from archipelago.support.process import find_processes
from support.checkout import TESTS
from support.harness import LABEL, ROOT, RpcError, TestNode, podman, remove_all, remove_leftovers
from support.small_disk import small_disk
from support.tiny_apps import PATIENT, write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

SEED = (
    "[ -e /files/state ] || { echo 1.0 > /files/state; busybox mkdir -p /files/deep; "
    "busybox dd if=/dev/urandom of=/files/deep/blob bs=1k count=300; busybox ln /files/state /files/second; "
    "busybox ln -s /etc/passwd /files/link; busybox ln -s / /files/root; busybox mkfifo /files/pipe; "
    'busybox chmod 2751 /files/deep; busybox touch "/files/*" "/files/-rf"; '
    "busybox chown 1000:1000 /files/deep/blob; }; [ -e /index/i ] || echo rebuilt > /index/i; "
    "exec busybox httpd -f -p 8000 -h /files"
)
MOUNTS = "mounts: [{volume: files, path: /files}, {volume: db, path: /db}, {volume: index, path: /index}]"
VOLUMES = """volumes:
  files: {data: files}
  db: {data: database, database: {type: sqlite, paths: [app.db, none.db]}}
  index: {data: rebuildable}
secrets: {key: {}}"""
VAULT_SEED = (
    "[ -e /store/data.mdb ] || { for d in store proof wallet channels; do echo $d > /$d/data.mdb; done; }; "
    "exec busybox httpd -f -p 8000 -h /store"
)
VAULT_MOUNTS = (
    "mounts: [{volume: store, path: /store}, {volume: proof, path: /proof}, {volume: wallet, path: /wallet}, "
    "{volume: channels, path: /channels}]"
)
VAULT_VOLUMES = """volumes:
  store: {data: database, database: {type: lmdb, paths: [data.mdb]}}
  proof: {data: append-proof, funds: true}
  wallet: {data: files, funds: true}
  channels: {data: never-restore, funds: true, exclusive: true}
reversible: "no\""""
SQLITE = """
import os, sqlite3, sys
owner = os.stat(".")
os.setgroups([1])
os.setgid(owner.st_gid)
os.setuid(owner.st_uid)
os.umask(0o077)
database = sqlite3.connect("app.db")
database.execute("PRAGMA journal_mode=WAL")
database.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, half TEXT)")
database.executemany("INSERT INTO t (half) VALUES (?)", [("x" * 500,)] * 1000)
database.commit()
database.execute("BEGIN IMMEDIATE")
database.execute("INSERT INTO t (half) VALUES ('never committed')")
print(database.execute("PRAGMA quick_check").fetchone()[0], flush=True)
sys.stdin.read()
os._exit(0)
"""
COUNT = (
    "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('SELECT count(*), max(half) FROM t').fetchone())"
)


def volume(node: TestNode, name: str, app: str = "app") -> Path:
    return node.root / "apps" / app / "volumes" / name


def inside(*words: str) -> str:
    """Run a command as root of the namespace, which reads what apps have."""
    return podman("unshare", *words)


def contents(path: Path) -> str:
    """Return the names of all in a folder and the hashes of its files, without owners: another machine has others."""
    script = 'cd "$0" && find . | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum'
    return inside("sh", "-c", script, str(path))


def tree(path: Path) -> str:
    """Return the hash of all that is in a folder, owners and links included."""
    return inside("env", f"PYTHONPATH={TESTS}", sys.executable, "-m", "support.trees", str(path))


async def until_restic_has_ended() -> None:
    """Return once no restic of this instance runs; the node has some of its own accord, such as for leases."""
    home = f"HOME={os.environ['HOME']}".encode()

    def is_restic(process: Path) -> bool:
        return (process / "comm").read_text() == "restic\n" and home in (process / "environ").read_bytes().split(b"\0")

    until = time.monotonic() + 120
    while find_processes(is_restic):
        assert time.monotonic() < until
        await asyncio.sleep(0.1)  # nothing tells of its end


async def password(node: TestNode) -> str:
    """Return the password of a node's repositories."""
    return await asyncio.to_thread(repository_password, NodeKey(node.root / "node.key", lambda _: None))


async def back_up(node: TestNode, app: str = "app", target: str = "usb") -> dict[str, Any]:
    return await node.ended(await node.call("backup-now", app=app, target=target))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with an app that has hostile names, links and a database, and one with money."""
    remove_leftovers()
    found = TestNode("backups", apps=tmp_path_factory.mktemp("catalog"))
    try:
        await found.start()
        assert found.apps is not None
        write_app(found.apps, "app", command=f"[sh, -c, '{SEED}']", health=f"{MOUNTS}\n    {PATIENT}", more=VOLUMES)
        health = f"{VAULT_MOUNTS}\n    {PATIENT}"
        write_app(found.apps, "vault", command=f"[sh, -c, '{VAULT_SEED}']", health=health, more=VAULT_VOLUMES)
        await found.install("app")
        await found.install("vault")
        yield found
    finally:
        found.kill()
        await found.destroy()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def disk(node: TestNode) -> AsyncIterator[Path]:
    """A folder that stands for a USB disk, which is a target."""
    path = ROOT / "usb"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    settings = {"kind": "folder", "path": str(path)}
    await node.call("backup-target-add", target="usb", settings=settings, scheduled=False)
    yield path
    shutil.rmtree(path)


async def test_an_app_comes_back_to_the_byte_with_its_database_as_of_one_moment(node: TestNode, disk: Path) -> None:
    script = f'cd {volume(node, "db")} && exec "$@"'
    writer = subprocess.Popen(
        ["podman", "unshare", "sh", "-c", script, "sh", sys.executable, "-I", "-c", SQLITE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None and writer.stdin is not None
    assert writer.stdout.readline() == "ok\n"
    ended = await back_up(node)
    writer.communicate()
    assert ended["state"] == "done", ended
    before = tree(volume(node, "files"))
    inside("sh", "-c", f"echo lost > {volume(node, 'files')}/state; rm -rf {volume(node, 'files')}/deep")
    await node.done(await node.call("backup-restore", app="app", target="usb"))
    assert tree(volume(node, "files")) == before
    assert inside(sys.executable, "-c", COUNT, f"{volume(node, 'db')}/app.db") == f"1000 {'x' * 500}"
    assert inside("ls", str(volume(node, "index"))) == "i", "what the app makes again stayed"
    aside = [each for each in await node.call("snapshot-list", app="app") if each["kind"] == "before-restore"]
    assert len(aside) == 1, "what was there can be had back"
    await node.done(await node.call("backup-drill", app="app", target="usb"))
    (target,) = await node.call("backup-targets")
    proof = next(each for each in target["apps"] if each["app"] == "app")["proof"]
    assert proof["passed"] and proof["databases"] == 1 and proof["files"] > 5


async def test_a_file_comes_back_alone(node: TestNode, disk: Path) -> None:
    to = ROOT / "one-file"
    await node.call("backup-extract", app="app", target="usb", path="volumes/files/state", to=str(to))
    assert inside("find", str(to), "-type", "f") == f"{to}/volumes/files/state"
    inside("rm", "-rf", str(to))
    with pytest.raises(RpcError, match="there is no"):
        await node.call("backup-extract", app="app", target="usb", path="volumes/files/st*", to=str(to))
    with pytest.raises(RpcError, match="own data"):
        await node.call("backup-extract", app="app", target="usb", path="volumes", to=f"{node.root}/apps/x")


async def test_an_app_comes_back_at_the_version_that_wrote_the_backup(node: TestNode) -> None:
    """On a target of its own: others expect all apps of theirs to come back."""
    assert node.apps is not None
    path, kept = ROOT / "versions", f"mounts: [{{volume: kept, path: /kept}}]\n    {PATIENT}"
    await node.call("backup-target-add", target="old", settings={"kind": "folder", "path": str(path)}, scheduled=False)

    def offer(version: str) -> None:
        command = f"[sh, -c, 'echo {version} >> /kept/ran; exec busybox httpd -f -p 8000 -h /kept']"
        more = "volumes: {kept: {data: files}}"
        write_app(node.apps, "versioned", command=command, health=kept, more=more, version=version)

    try:
        offer("1.0")
        await node.install("versioned")
        await node.done(await node.call("backup-now", app="versioned", target="old"))
        offer("2.0")
        await node.done(await node.call("container-update", app="versioned"))
        await node.done(await node.call("backup-now", app="versioned", target="old"))
        newest, oldest = await node.call("backup-list", target="old", app="versioned")
        assert (newest["version"], oldest["version"]) == ("2.0", "1.0")
        for backup, version, ran in ((oldest, "1.0", "1.0 1.0"), (newest, "2.0", "1.0 2.0 2.0")):
            await node.done(await node.call("backup-restore", app="versioned", target="old", backup=backup["id"]))
            assert (await node.until("versioned", "healthy"))["version"] == version
            assert (await node.execute("versioned", "busybox", "cat", "/kept/ran")).split() == ran.split()
    finally:
        await node.done(await node.call("container-remove", app="versioned", delete_data=True))
        await node.call("backup-target-remove", target="old")
        shutil.rmtree(path, ignore_errors=True)


async def test_a_database_that_is_damaged_fails_the_backup(node: TestNode, disk: Path) -> None:
    count = len(await node.call("backup-list", target="usb", app="app"))
    path = volume(node, "db") / "app.db"
    inside("cp", "-p", str(path), f"{node.root}/good.db")
    try:
        inside("sh", "-c", f"dd if=/dev/zero of={path} bs=4096 seek=1 count=3 conv=notrunc 2>/dev/null")
        ended = await back_up(node)
    finally:
        inside("cp", "-p", f"{node.root}/good.db", str(path))
    assert ended["state"] == "failed" and "app.db: the database is damaged" in ended["error"]["message"], ended
    assert len(await node.call("backup-list", target="usb", app="app")) == count
    assert not (node.root / "apps/app/backup").exists()


async def test_what_is_never_restored_is_in_no_backup(node: TestNode, disk: Path) -> None:
    status = await node.call("container-status", app="vault")
    assert (await back_up(node, "vault"))["state"] == "done"
    assert (await node.until("vault", "healthy"))["containers"][0]["started_at"] != status["containers"][0][
        "started_at"
    ]
    environment = {
        **os.environ,
        "RESTIC_PASSWORD": await password(node),
        "RESTIC_REPOSITORY": str(disk),
    }
    # By the name of the machine: a note about its lease may be newer.
    command = ["restic", "--no-cache", "--no-lock", "ls", "--host", HOST, "--tag", "app=vault", "latest"]
    listed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert "/volumes/store/data.mdb" in listed and "/volumes/proof/data.mdb" in listed
    assert "channels" not in listed
    assert environment["RESTIC_PASSWORD"] not in node.log() + str(await node.call("operation-list"))
    with pytest.raises(RpcError, match="loses money"):
        await node.call("backup-restore", app="vault", target="usb")
    assert not (node.root / "apps/vault/snapshots").exists() or not list(
        (node.root / "apps/vault/snapshots").glob("2*")
    )


async def test_nothing_is_written_where_the_disk_is_not_mounted(node: TestNode, disk: Path) -> None:
    await until_restic_has_ended()
    away = disk.rename(disk.with_name("unplugged"))
    disk.mkdir()
    try:
        ended = await back_up(node)
        assert ended["error"]["code"] == "data-missing" and not list(disk.iterdir())
    finally:
        disk.rmdir()
        away.rename(disk)
    assert (await back_up(node))["state"] == "done"


async def test_a_target_that_fills_up_keeps_what_it_has(node: TestNode, disk: Path) -> None:
    large = volume(node, "files") / "large"
    with small_disk(size="6m", files=5000) as small:
        settings = {"kind": "folder", "path": str(small / "backups")}
        await node.call("backup-target-add", target="small", settings=settings, scheduled=False)
        assert (await back_up(node, target="small"))["state"] == "done"
        inside("sh", "-c", f"head -c 20000000 /dev/urandom > {large}")
        ended = await back_up(node, target="small")
        assert ended["error"]["code"] == "disk-full", ended
        assert len(await node.call("backup-list", target="small")) == 1
        await node.done(await node.call("backup-drill", app="app", target="small"))
        await node.call("backup-target-remove", target="small")
    assert (await back_up(node))["state"] == "done"


async def test_two_backups_at_once_both_end_well(node: TestNode, disk: Path) -> None:
    both = [await node.call("backup-now", app=app, target="usb") for app in ("app", "vault")]
    assert [(await node.ended(each))["state"] for each in both] == ["done", "done"]


async def test_a_killed_daemon_leaves_no_restic_and_the_next_one_finishes(node: TestNode, disk: Path) -> None:
    inside("sh", "-c", f"head -c 150000000 /dev/urandom > {volume(node, 'files')}/large")
    count = len(await node.call("backup-list", target="usb", app="app"))
    operation = await node.call("backup-now", app="app", target="usb")
    while not (disk / "locks").is_dir() or not list((disk / "locks").iterdir()):
        await asyncio.sleep(0.02)  # what restic does is told by its files alone
    node.kill()
    await until_restic_has_ended()
    await node.start()
    assert (await node.ended(await node.call("operation-get", id=operation["id"])))["state"] == "done"
    assert len(await node.call("backup-list", target="usb", app="app")) == count + 1
    await until_restic_has_ended()  # it may write down that the vault runs
    assert not list((disk / "locks").iterdir())


async def test_all_apps_are_backed_up_by_one_operation(node: TestNode, disk: Path) -> None:
    assert node.apps is not None
    feed = f"mounts: [{{volume: feed, path: /feed}}]\n    {PATIENT}"
    more = "volumes: {feed: {data: files}}\nprovides: {feed: {container: main, port: 8000}}"
    write_app(node.apps, "zfeed", health=feed, more=more)
    write_app(node.apps, "areader", more="requires: {feed: {}}")
    await node.install("areader")
    done = await node.done(await node.call("backup-all"))
    assert done["app"] == "" and done["apps"] == ["app", "areader", "vault", "zfeed"]
    assert [each["state"] for each in done["steps"]] == ["done"] * 4
    assert {each["app"] for each in await node.call("backup-list", target="usb")} == set(done["apps"])
    proved = await node.done(await node.call("backup-drill-all", apps=["areader", "zfeed"]))
    assert [each["name"].split()[5] for each in proved["steps"]] == ["areader", "zfeed"]


async def test_a_bare_machine_gets_all_back_from_words_and_target_in_spite_of_a_kill(
    node: TestNode, disk: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    words = await node.call("key-phrase")
    owner = ("busybox", "stat", "-c", "%u:%g", "/files/deep/blob")
    before = await node.execute("app", *owner)
    files = contents(volume(node, "files"))
    node.kill()
    remove_all(LABEL)  # both have their containers in the same Podman here
    bare = TestNode("bare", apps=tmp_path_factory.mktemp("empty"))
    settings = {"kind": "folder", "path": str(disk)}
    try:
        await bare.start()
        with pytest.raises(RpcError, match="does not open"):
            await bare.call("backup-target-add", target="usb", settings=settings, scheduled=False)
        command = [sys.executable, "-m", "archipelago.cli", "backup", "restore-node", "--folder", str(disk)]
        environment = {**os.environ, "ARCHIPELAGO_SOCKET": str(bare.socket)}

        def restore_node(said: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(command, env=environment, input=said, capture_output=True, text=True, check=False)

        refused = await asyncio.to_thread(restore_node, "abandon " * 24)
        assert refused.returncode != 0 and "Traceback" not in refused.stderr
        assert await bare.call("container-list") == [] and await bare.call("backup-targets") == []
        cut_off = asyncio.create_task(asyncio.to_thread(restore_node, f"{words}\n"))
        operation = await in_the_middle(bare)
        bare.kill()
        assert (await cut_off).returncode != 0
        await bare.start()
        await bare.done(await bare.call("operation-get", id=operation))
        again = await asyncio.to_thread(restore_node, "")
        assert again.returncode == 0 and "is installed" in again.stdout
        await require_all_data(bare, files)
        await bare.until("app", "healthy")
        assert await bare.execute("app", *owner) == before, "its files are those of its users of here"
        assert (await bare.execute("app", "busybox", "cat", "/index/i")).strip() == "rebuilt", "it made that again"
    finally:
        bare.kill()
        await bare.destroy()
        await node.start()


async def in_the_middle(bare: TestNode) -> str:
    """Return the id of the restore of all apps, once one app is back and another one is on its way."""
    until = time.monotonic() + 200
    while time.monotonic() < until:
        for each in await bare.call("operation-list"):
            states = [step["state"] for step in each["steps"][1:]]
            if each["kind"] == "backup-restore-all" and "done" in states and "running" in states:
                return str(each["id"])
        await asyncio.sleep(0.05)  # there is no event before the command has given its words
    raise AssertionError(await bare.call("operation-list"))


async def require_all_data(bare: TestNode, files: str) -> None:
    """Require what is in backups of each class of data, and nothing of what is in none."""
    opened = [each for each in reversed(await bare.call("operation-list")) if each["kind"] == "backup-restore"]
    order = [each["app"] for each in opened]
    assert sorted(order) == ["app", "areader", "vault", "zfeed"], "each came back once"
    assert order.index("zfeed") < order.index("areader"), "what an app needs comes before it"
    assert contents(volume(bare, "files")) == files
    assert inside(sys.executable, "-c", COUNT, f"{volume(bare, 'db')}/app.db") == f"1000 {'x' * 500}"
    for name in ("store", "proof", "wallet"):
        assert inside("cat", f"{volume(bare, name, 'vault')}/data.mdb") == name
    channels = volume(bare, "channels", "vault")
    assert inside("sh", "-c", f"ls -A {channels} 2>/dev/null || true") == "", "an older state loses money"
    assert (await bare.call("container-status", app="vault"))["desired"] == "stopped", "its channels are not here"
    await bare.until("areader", "healthy")
