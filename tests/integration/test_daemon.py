"""The daemon as a process: one per data root, a taken port, and a damaged or newer database."""

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import sys
from pathlib import Path

import pytest

from support.harness import LABEL, STOP_TIMEOUT, TestNode, podman, remove_leftovers, running_node
from support.tiny_apps import write_app

pytestmark = pytest.mark.timeout(400)


async def refused(node: TestNode) -> str:
    """Start a daemon that must refuse; return what it says."""
    with pytest.raises(RuntimeError) as error:
        await node.start()
    assert node.process is not None
    assert node.process.returncode == 1
    assert "Traceback" not in str(error.value)
    return str(error.value)


async def test_a_second_daemon_on_the_same_data_is_refused() -> None:
    remove_leftovers()
    async with running_node("first", fresh=True) as node:
        second = TestNode("first", apps=node.apps)
        second.environment = {"ARCHIPELAGO_RUNTIME": str(node.runtime) + "2"}
        process = await asyncio.create_subprocess_exec(
            *second.command(), env=second.full_environment(), stderr=asyncio.subprocess.PIPE
        )
        _, said = await process.communicate()
        assert process.returncode == 1
        assert b"already running" in said and b"Traceback" not in said
        assert (await node.call("system-info"))["version"]


async def test_a_taken_port_is_said_with_the_way_out() -> None:
    node = TestNode("port")
    try:
        with socket.create_server(("127.0.0.1", node.port)):
            said = await refused(node)
        assert str(node.port) in said
    finally:
        await node.destroy()


async def test_a_database_that_cannot_be_read_is_left_as_it_is() -> None:
    async with running_node("database") as node:
        await node.stop()
        path = node.root / "state.db"
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.close()
        assert "newer version" in await refused(node)
        for beside in path.parent.glob("state.db-*"):
            beside.unlink()
        path.write_bytes(b"this is no database, and somebody may still want to look at it" * 100)
        before = path.read_bytes()
        assert "is not a database" in await refused(node)
        assert path.read_bytes() == before
        path.unlink()


def running(node: TestNode) -> list[str]:
    """Return the containers of a node that run."""
    return podman("ps", "--format", "{{.Names}}", "--filter", f"label={LABEL}={node.node_id()}").split()


@pytest.mark.parametrize("signals", [(signal.SIGHUP, signal.SIGHUP), (signal.SIGINT,), (signal.SIGTERM, signal.SIGHUP)])
async def test_the_apps_are_stopped_in_order_when_the_terminal_is_gone(
    tmp_path: Path, signals: tuple[signal.Signals, ...]
) -> None:
    write_app(tmp_path, "tiny")
    async with running_node("hangup", apps=tmp_path) as node:
        await node.install("tiny")
        await node.stop()
        reader, writer = os.pipe()
        with os.fdopen(writer, "wb") as output:
            await node.start(output=output)
        await node.until("tiny", "healthy")
        os.close(reader)
        assert running(node) == ["archipelago-tiny--main"]
        assert node.process is not None
        for each in signals:
            node.process.send_signal(each)
        assert await asyncio.to_thread(node.process.wait, STOP_TIMEOUT) == 0
        assert running(node) == []


async def test_the_apps_are_stopped_in_order_though_the_greeting_failed(tmp_path: Path) -> None:
    class Clumsy(TestNode):
        """A daemon with a mistake in its greeting."""

        def command(self) -> list[str]:
            mistake = "async def broken(*_): 1 / 0\n"
            program = f"from archipelago import daemon\n{mistake}daemon._say_when_up = broken\ndaemon.main()"
            return [sys.executable, "-c", program]

    write_app(tmp_path, "tiny")
    node = Clumsy("clumsy", apps=tmp_path)
    try:
        await node.start("--first-install", "tiny")
        await node.until_installed("tiny")
        await node.until("tiny", "healthy")
        async with asyncio.timeout(150):
            while "greeting failed" not in node.log():
                await asyncio.sleep(0.05)
        assert running(node) == ["archipelago-tiny--main"]
        await node.stop()
        assert running(node) == []
        assert "ZeroDivisionError" in node.log() and "All apps have stopped" in node.log()
    finally:
        await node.destroy()


async def test_a_node_begins_anew_and_ends_as_its_owner_asks(tmp_path: Path) -> None:
    write_app(tmp_path, "still")
    async with running_node("power", apps=tmp_path, environment={"ARCHIPELAGO_POWER": "1"}, fresh=True) as node:
        await node.install("still")
        assert node.process is not None
        before = (await node.call("container-status", app="still"))["containers"][0]["started_at"]
        assert "power-off" in (await node.call("system-info"))["power"]
        await node.call("system-power", action="restart")
        await node.until_started_again()
        assert node.process.poll() is None, "it is the same process"
        status = await node.until("still", "healthy")
        assert status["containers"][0]["started_at"] == before, "apps go on meanwhile"
        await node.call("system-power", action="power-off")
        assert await asyncio.to_thread(node.process.wait, STOP_TIMEOUT) == 81
        assert "All apps have stopped." in node.log()


async def test_the_first_app_is_installed_once_and_not_after_its_owner_has_removed_it(tmp_path: Path) -> None:
    write_app(tmp_path, "still")
    async with running_node("first-app", apps=tmp_path) as node:
        await node.stop()
        await node.start("--first-install", "still")
        await node.until_installed("still")
        await node.until("still", "healthy")
        await node.done(await node.call("container-remove", app="still", delete_data=True))
        await node.stop()
        before = (node.root / "daemon.log").stat().st_size
        await node.start("--first-install", "still")
        async with asyncio.timeout(150):
            # Of this start alone: a node that is stopped right after its first answer never greets.
            while b"Ctrl-C stops all apps" not in (node.root / "daemon.log").read_bytes()[before:]:
                await asyncio.sleep(0.05)  # nothing else tells that the node has decided what to install
        assert await node.call("container-list") == []
