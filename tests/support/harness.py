"""A real node for the tests: the daemon as a process of its own, with real Podman, asked over its unix socket."""

import asyncio
import contextlib
import itertools
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import aiohttp
import pytest

from archipelago.container.manifest.exposure import LOOPBACK
from support.checkout import APPS, TESTS
from support.daemon_forks import DaemonFork, fork_daemon
from support.kept_archives import FOLDER as ARCHIVES
from support.kept_archives import IMAGES

ROOT = Path(os.environ.get("ARCHIPELAGO_ROOT", "/var/lib/archipelago-test")) / "tests"
KEPT_ARCHIVES = Path(os.environ.get(ARCHIVES, ROOT.parent / "tmp" / "archives"))
KEPT_IMAGES = Path(os.environ.get(IMAGES, ROOT.parent / "tmp" / "images"))
"""Notes of this instance alone, as its Podman is."""
RUNTIME = Path(os.environ.get("ARCHIPELAGO_RUNTIME", "/run/archipelago-test")) / "t"
LABEL = "io.archipelago.node"
TRIAL = "io.archipelago.trial"
START_TIMEOUT = 200.0
CALL_TIMEOUT = 700.0
STOP_TIMEOUT = 300.0
REMOVE_TIMEOUT = 200.0
_COMMAND = [sys.executable, str(TESTS / "strict_daemon.py")]
SOAK = "1"
"""Seconds of a new version of an app; tests of versions that crash later take more."""
APPS_AT = str(LOOPBACK)
"""Address at which programs on the host find apps."""


class RpcError(Exception):
    """An error answer of the node."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: int = error["code"]
        self.message: str = error["message"]
        self.data: dict[str, Any] = error.get("data") or {}


LANE = int(os.environ.get("ARCHIPELAGO_LANE", "0"))
_PORTS = 2000
"""Ports of each lane, below those that the kernel gives to connections (from 32768 on)."""
_ports = itertools.cycle(random.sample(range(12000 + LANE * _PORTS, 12000 + (LANE + 1) * _PORTS), _PORTS))


def free_port() -> int:
    """Return a port of loopback on which nothing listens; no other test gets it soon, and no connection by chance."""
    for port in _ports:
        with socket.socket() as node, socket.socket() as app, contextlib.suppress(OSError):
            node.bind(("127.0.0.1", port))
            app.bind((APPS_AT, port))
            return port
    raise AssertionError("the cycle has no end")


def podman(*arguments: str) -> str:
    """Run the podman command and return what it prints."""
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"podman {' '.join(arguments)}: {done.stderr}")
    return done.stdout.strip()


def has_image(image: str) -> bool:
    """Tell whether Podman has an image, by name or ID; its list of all fails while one is being removed."""
    done = subprocess.run(["podman", "image", "exists", image], capture_output=True, text=True, timeout=300)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"podman image exists {image}: {done.stderr}")
    return done.returncode == 0


def end_listener(path: Path) -> None:
    """Kill the process that listens on a unix socket; one that the daemon leaves to the next, which will not come."""
    with socket.socket(socket.AF_UNIX) as asking, contextlib.suppress(OSError):
        asking.connect(str(path))
        pid, _, _ = struct.unpack("3i", asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
        os.kill(pid, signal.SIGKILL)


async def until_pruned(*images: str) -> None:
    """Return once these images are not here; they go in the node's own time."""
    async with asyncio.timeout(200):
        for image in images:
            gone = False
            while not gone:
                with contextlib.suppress(RuntimeError):  # it is being removed
                    gone = not has_image(image)
                await asyncio.sleep(0.1)  # what Podman tells a stranger comes before the end


@dataclass
class TestNode:
    """A daemon with a data root of its own."""

    __test__ = False

    name: str
    apps: Path | None = None
    """Folder of the catalog; by default the project's own apps, on ports of their own."""
    port: int = field(default_factory=free_port)
    http_port: int = field(default_factory=free_port)
    """Of the sites of apps, on loopback."""
    https_port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    disk: Path = ROOT
    """Directory in which its data root is."""
    fresh: bool = False
    """Whether its daemon imports everything itself, as an owner's; others are forks of a process that has."""
    process: subprocess.Popen[bytes] | DaemonFork | None = None
    _id: str | None = None
    """Of the node that answered last."""

    @property
    def root(self) -> Path:
        """Its data root."""
        return self.disk / self.name

    @property
    def runtime(self) -> Path:
        """Its run-time directory."""
        return RUNTIME / self.name

    @property
    def socket(self) -> Path:
        """Its unix socket."""
        return self.runtime / "archipelago.sock"

    async def start(self, *arguments: str, output: IO[bytes] | None = None) -> None:
        """Start the daemon and wait until it answers; without `output`, what it writes goes to `daemon.log`."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.runtime.mkdir(parents=True, exist_ok=True)
        if self.apps is None:
            self.apps = copy_apps(ROOT / f"{self.name}.apps")
        with (self.root / "daemon.log").open("ab") as log:
            self.process = await asyncio.to_thread(self._run, arguments, output or log)
        async with asyncio.timeout(START_TIMEOUT):
            while True:
                with contextlib.suppress(OSError, aiohttp.ClientError):
                    self._id = str((await self.call("system-info"))["node_id"])
                    return
                if self.process.poll() is not None:
                    raise RuntimeError(f"the daemon ended with {self.process.returncode}:\n{self.log()}")
                await asyncio.sleep(0.02)  # no event tells a stranger that a socket has appeared

    def _run(self, arguments: tuple[str, ...], output: IO[bytes]) -> subprocess.Popen[bytes] | DaemonFork:
        command, environment = self.command(), self.full_environment()
        if command == _COMMAND and not self.fresh:
            return fork_daemon(arguments, environment, output)
        return subprocess.Popen(
            [*command, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def command(self) -> list[str]:
        """Return the command that is the daemon."""
        return _COMMAND

    def full_environment(self) -> dict[str, str]:
        """Return the daemon's environment."""
        return {
            **os.environ,
            "ARCHIPELAGO_ROOT": str(self.root),
            "ARCHIPELAGO_RUNTIME": str(self.runtime),
            "ARCHIPELAGO_APPS": str(self.apps),
            "ARCHIPELAGO_PORT": str(self.port),
            "ARCHIPELAGO_HTTP_PORT": str(self.http_port),
            "ARCHIPELAGO_HTTPS_PORT": str(self.https_port),
            "ARCHIPELAGO_SOAK": SOAK,
            ARCHIVES: str(KEPT_ARCHIVES),
            IMAGES: str(KEPT_IMAGES),
            **self.environment,
        }

    def log(self) -> str:
        """Return what the daemon wrote."""
        return (self.root / "daemon.log").read_text()[-4000:]

    async def stop(self) -> None:
        """Have the daemon stop everything in order, as Ctrl-C does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        try:
            code = await asyncio.to_thread(self.process.wait, STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the daemon does not end:\n{self.log()}")
        assert code == 0, self.log()

    def kill(self) -> None:
        """kill -9 the daemon; containers go on."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    async def call(self, method: str, **parameters: Any) -> Any:
        """Call an RPC method; raises `RpcError`."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        connector = aiohttp.UnixConnector(str(self.socket))
        timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.post("http://localhost/rpc/v1", json=request) as response,
        ):
            answer = await response.json(content_type=None)
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]

    async def done(self, operation: dict[str, Any]) -> dict[str, Any]:
        """Wait for an operation and require that it succeeded."""
        ended = await self.ended(operation)
        assert ended["state"] == "done", f"{ended}\n{self.log()}"
        return ended

    async def ended(self, operation: dict[str, Any]) -> dict[str, Any]:
        """Wait until an operation has ended, one way or the other."""
        async with asyncio.timeout(CALL_TIMEOUT):
            while operation["state"] not in ("done", "failed", "cancelled"):
                operation = await self.call("operation-wait", id=operation["id"], timeout=30)
        return operation

    async def install(self, app: str, **parameters: Any) -> dict[str, Any]:
        """Install an app and wait until it is up."""
        return await self.done(await self.call("container-install", app=app, **parameters))

    async def until(self, app: str, *states: str) -> dict[str, Any]:
        """Return the status of an app once it is in one of the states; woken by the node's own events."""
        async with asyncio.timeout(CALL_TIMEOUT):
            while True:
                revision = (await self.call("system-info"))["revision"]
                status = await self.call("container-status", app=app)
                if status["health"]["state"] in states:
                    return dict(status)
                await self.next_event(revision)

    async def until_installed(self, app: str) -> None:
        """Return once an app is among the installed ones."""
        async with asyncio.timeout(CALL_TIMEOUT):
            while app not in {each["app"] for each in await self.call("container-list")}:
                await asyncio.sleep(0.02)

    async def until_started_again(self) -> None:
        """Return once the daemon, which was asked to, has started again and answers."""
        asked = time.monotonic()
        async with asyncio.timeout(START_TIMEOUT):
            while True:
                with contextlib.suppress(OSError, aiohttp.ClientError):
                    if (await self.call("system-info"))["uptime"] < time.monotonic() - asked:
                        return
                await asyncio.sleep(0.05)  # no event tells of a life that has just begun

    async def next_event(self, revision: int) -> None:
        """Return when there is an event after `revision`; raises `aiohttp.ClientError` where the node ends before."""
        wanted = {"kind": "events", "since": revision}
        request = {"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": wanted}
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self.socket))) as session,
            session.ws_connect("http://localhost/ws/v1") as events,
        ):
            await events.send_json(request)
            async for message in events:
                if json.loads(message.data).get("method") == "event":
                    return
        raise aiohttp.ServerDisconnectedError

    async def execute(self, app: str, *command: str) -> str:
        """Run a command inside an app and return what it prints."""
        result = await self.call("container-exec", app=app, command=list(command))
        assert result["exit_code"] == 0, result
        return str(result["stdout"])

    async def destroy(self) -> None:
        """Remove the node and everything of it; it need not be running."""
        self.kill()
        end_listener(self.runtime / "caddy" / "admin.sock")
        node, self._id = self.node_id(), None
        if node is not None:
            remove_all(f"{LABEL}={node}", f"{TRIAL}={node}")
        remove_files(self.root, self.runtime)

    def node_id(self) -> str | None:
        """Return the node's id: as it said it itself, else from the database that an earlier test has left."""
        import sqlite3

        path = self.root / "state.db"
        if self._id is not None or not path.exists():
            return self._id
        with contextlib.closing(sqlite3.connect(path)) as database:
            try:
                row = database.execute("SELECT value FROM facts WHERE key = 'node-id'").fetchone()
            except sqlite3.OperationalError:
                return None
        return str(row[0]) if row else None


def copy_apps(target: Path) -> Path:
    """Copy the project's apps with free host ports, so that tests run beside the owner's own node."""
    shutil.copytree(APPS, target, dirs_exist_ok=True)
    for path in target.glob("*/manifest.yml"):
        text = path.read_text()
        path.write_text(re.sub(r"(?<=host_port: )\d+", lambda _: str(free_port()), text))
    return target


def remove_all(*labels: str) -> None:
    """Remove all containers and networks that carry one of the labels (`key`, or `key=value`)."""
    deadline = time.monotonic() + REMOVE_TIMEOUT
    while containers := _with_labels("ps", "-a", labels=labels):
        try:
            podman("rm", "-f", "-t", "0", *containers)
            break
        except RuntimeError:
            # Podman refuses a container that is just ending; nobody revives it, since the daemon is dead.
            if time.monotonic() > deadline:
                raise
    if networks := _with_labels("network", "ls", labels=labels):
        podman("network", "rm", "-f", *networks)


def _with_labels(*command: str, labels: Sequence[str]) -> list[str]:
    """Return the names of what carries one of the labels; Podman's own filters would all have to fit."""
    found = json.loads(podman(*command, "--format", "json") or "[]")
    return [_name(each) for each in found if any(_carries(each, label) for label in labels)]


def _name(found: dict[str, Any]) -> str:
    return str(found["Names"][0] if "Names" in found else found["name"])


def _carries(found: dict[str, Any], label: str) -> bool:
    key, given, value = label.partition("=")
    carried = found.get("Labels") or found.get("labels") or {}
    return key in carried and (not given or carried[key] == value)


def remove_files(*folders: Path) -> None:
    """Remove folders of nodes; what is mounted in them stays."""
    # Volumes on Btrfs are subvolumes: to rm(1) they are other file systems, unless it is asked for each of them.
    subvolumes = 'find "$@" -type d -inum 256 -prune -exec rm -rf --one-file-system {} + 2>/dev/null'
    podman("unshare", "sh", "-c", f'{subvolumes}; rm -rf --one-file-system "$@"', "sh", *map(str, folders))


def remove_leftovers() -> None:
    """Remove what tests that crashed left behind; images stay, since they are costly to build."""
    remove_all(LABEL, TRIAL)
    if ROOT.exists() or RUNTIME.exists():
        remove_files(ROOT, RUNTIME)


@contextlib.asynccontextmanager
async def running_node(name: str, **parameters: Any) -> AsyncIterator[TestNode]:
    """Give a running node, and remove it with everything of it at the end."""
    node = TestNode(name, **parameters)
    shutil.rmtree(node.runtime, ignore_errors=True)
    try:
        await node.start()
        yield node
    finally:
        await node.destroy()
