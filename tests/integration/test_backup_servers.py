"""Backups of apps with a real database server, while it writes: every row that was acknowledged comes back."""

import asyncio
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from support.data_apps import KINDS, Behaviour, write_data_app
from support.harness import ROOT, TestNode, podman, remove_leftovers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

CONTAINER = "archipelago-app--main"
ENVIRONMENT = "environment: {PATH: /usr/lib/postgresql/15/bin:/usr/bin, PGHOST: /tmp}"
PSQL = ["psql", "-U", "postgres", "-qAt"]
TABLE = "CREATE TABLE row (n serial PRIMARY KEY, pad text NOT NULL); SELECT 1;"
INSERT = "INSERT INTO row (pad) VALUES (repeat('x', 2000)) RETURNING n;"


class Writer:
    """Inserts rows one after the other, as an app does, and knows which were acknowledged."""

    def __init__(self) -> None:
        command = ["podman", "exec", "-i", CONTAINER, *PSQL]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.acknowledged = 0
        self._ask(TABLE)
        self._thread.start()

    def _ask(self, statement: str) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(statement + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def _run(self) -> None:
        while not self._ended.is_set():
            self.acknowledged = self._ask(INSERT)

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self._process.communicate()


def ask(statement: str) -> str:
    return podman("exec", CONTAINER, *PSQL, "-c", statement)


async def back_up(node: TestNode) -> dict[str, Any]:
    return await node.ended(await node.call("backup-now", app="app", target="usb"))


def copy_words(operation: dict[str, Any]) -> str:
    return next(str(each["detail"]) for each in operation["steps"] if each["name"] == "copy its databases")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with a PostgreSQL server and a target."""
    remove_leftovers()
    found = TestNode("servers", apps=tmp_path_factory.mktemp("catalog"))
    disk = ROOT / "servers-usb"
    try:
        await found.start()
        assert found.apps is not None
        write_data_app(found.apps, KINDS["PostgreSQL"], Behaviour.WORK, version="1.0")
        manifest = found.apps / "app" / "manifest.yml"
        manifest.write_text(manifest.read_text().replace("init: true", f"init: true\n    {ENVIRONMENT}"))
        await found.install("app")
        disk.mkdir(parents=True)
        settings = {"kind": "folder", "path": str(disk)}
        await found.call("backup-target-add", target="usb", settings=settings, scheduled=False)
        yield found
    finally:
        found.kill()
        await found.destroy()
        shutil.rmtree(disk, ignore_errors=True)


async def backups(node: TestNode) -> int:
    return len(await node.call("backup-list", target="usb", app="app"))


async def test_every_acknowledged_row_comes_back_from_a_backup_that_was_made_while_it_wrote(node: TestNode) -> None:
    started = podman("inspect", "--format", "{{.State.StartedAt}}", CONTAINER)
    ask("CREATE ROLE somebody LOGIN PASSWORD 'x'")
    writer = Writer()
    try:
        while writer.acknowledged < 200:
            await asyncio.sleep(0.02)  # what the server has acknowledged is told by its own client alone
        before = writer.acknowledged
        ended = await back_up(node)
        during = writer.acknowledged
    finally:
        writer.close()
    after = writer.acknowledged  # of the last rows of the copy, the writer may have heard a moment later
    assert ended["state"] == "done", ended
    assert copy_words(ended) == "while the app runs"
    assert podman("inspect", "--format", "{{.State.StartedAt}}", CONTAINER) == started and during > before
    ask("DROP TABLE row")
    ask("DROP ROLE somebody")
    await node.done(await node.call("backup-restore", app="app", target="usb"))
    rows, last, short = ask("SELECT count(*), max(n), count(*) FILTER (WHERE length(pad) <> 2000) FROM row").split("|")
    assert before <= int(rows) <= after and rows == last and short == "0", "all of them, and whole ones"
    assert int(ask("INSERT INTO row (pad) VALUES ('new') RETURNING n")) > int(last), "it is written on"
    assert ask("SELECT rolpassword LIKE 'SCRAM%' FROM pg_authid WHERE rolname = 'somebody'") == "t"
    aside = [each["name"] for each in await node.call("snapshot-list", app="app") if each["kind"] == "before-restore"]
    await node.done(await node.call("snapshot-restore", app="app", snapshot=aside[0]))
    assert ask("SELECT to_regclass('row') IS NULL") == "t", "what was there before is back"


async def test_the_app_comes_up_from_the_backup_in_a_drill(node: TestNode) -> None:
    assert (await back_up(node))["state"] == "done"
    await node.done(await node.call("backup-drill", app="app", target="usb"))
    (target,) = await node.call("backup-targets")
    proof = target["apps"][0]["proof"]
    assert proof["passed"] and proof["started"] and proof["databases"] == 1, proof
    assert not (node.root / "apps/app/backup").exists() and not (node.root / "apps/app/trial").exists()


async def test_a_dump_that_is_cut_off_is_no_backup(node: TestNode) -> None:
    count = await backups(node)
    ask("CREATE TABLE held (n int)")
    command = ["podman", "exec", "-i", CONTAINER, *PSQL]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdin is not None and holder.stdout is not None
    holder.stdin.write("BEGIN; LOCK TABLE held; SELECT 1;\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "1\n"
    operation = await node.call("backup-now", app="app", target="usb")
    waiting = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted"
    while not await asyncio.to_thread(ask, waiting):
        await asyncio.sleep(0.05)  # that pg_dump waits is told by the server alone
    ended = await node.ended(operation)
    holder.communicate()
    assert ended["state"] == "failed" and "cannot be dumped" in ended["error"]["message"], ended
    assert await backups(node) == count and not (node.root / "apps/app/backup").exists()
    await node.done(await node.call("backup-now", app="app", target="usb"))


async def test_a_server_that_does_not_run_is_copied(node: TestNode) -> None:
    ask("CREATE TABLE kept (n int)")
    await node.done(await node.call("container-stop", app="app"))
    ended = await back_up(node)
    assert ended["state"] == "done" and "the app does not run" in copy_words(ended), ended
    await node.done(await node.call("container-start", app="app"))
    await node.done(await node.call("backup-restore", app="app", target="usb"))
    assert ask("SELECT to_regclass('kept') IS NULL") == "f"
