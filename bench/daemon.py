"""The daemon: time to first answer, idle cost with 12 apps, `container-list` with 100 apps, death to the next start.

Run it with `scripts/bench daemon`. Everything is measured on a real daemon process, asked over its unix socket. All
apps have one image, which the first of them builds.
"""

import asyncio
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from bare_server import bare_server, resident, restarts_by_podman
from bring_up import port
from graph import EDGES, PROBED, SLEEP, write_catalog
from plant import plant
from report import limited, plain, report, size

from archipelago.catalog.local import LocalCatalog
from archipelago.storage.layout import Layout

if TYPE_CHECKING:
    from support.daemon_forks import DaemonFork

IDLE_SECONDS = size(60, 0, "BENCH_IDLE")
SETTLING = size(15, 0)
STARTS, LISTS, MANY = size(4, 1), size(500, 5), size(100, 2)
KILLED = ("a1", "a5", "a9", "a12", "a3")[: size(5, 1)]
_OPERATION_PATIENCE = 60
_OVER = ("done", "failed", "cancelled")
PORT = port()
COMMAND = (sys.executable, "-m", "archipelago.daemon")
FORKS = "BENCH_FORKS" in os.environ
"""Whether daemons are those of the tests: they keep what is costly to make, and have been imported already."""


def _launched(environment: dict[str, str]) -> "subprocess.Popen[bytes] | DaemonFork":
    """Start a daemon."""
    if not FORKS:
        return subprocess.Popen(COMMAND, env=environment, stdout=subprocess.DEVNULL)
    from support.daemon_forks import fork_daemon

    return fork_daemon((), environment, sys.stderr.buffer)


class Daemon:
    """A daemon process with a catalog of its own."""

    def __init__(self, name: str, edges: dict[str, tuple[str, ...]]) -> None:
        self.root = Path(os.environ["ARCHIPELAGO_ROOT"]) / name
        self.runtime = Path(os.environ["ARCHIPELAGO_RUNTIME"]) / name
        self.catalog = write_catalog(edges, PROBED)
        self.edges = edges
        shutil.rmtree(self.root, ignore_errors=True)

    async def start(self) -> float:
        """Start it; return seconds until it answered a request."""
        environment = {
            **os.environ,
            "ARCHIPELAGO_ROOT": str(self.root),
            "ARCHIPELAGO_RUNTIME": str(self.runtime),
            "ARCHIPELAGO_APPS": str(self.catalog),
            "ARCHIPELAGO_PORT": str(PORT),
        }
        began = time.perf_counter()
        self.process = _launched(environment)
        connector = aiohttp.UnixConnector(str(self.runtime / "archipelago.sock"))
        self.session = aiohttp.ClientSession(connector=connector)
        while True:
            try:
                await self.call("system-info")
                return time.perf_counter() - began
            except (OSError, aiohttp.ClientError):
                if self.process.poll() is not None:
                    raise RuntimeError(f"the daemon ended with {self.process.returncode}") from None
                await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Stop it in order."""
        await self.session.close()
        self.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(self.process.wait)

    async def call(self, method: str, **parameters: Any) -> Any:
        """Call a method."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        async with self.session.post("http://localhost/rpc/v1", json=request) as response:
            answer = await response.json()
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    async def install_all(self, apps: Iterable[str] | None = None, *, start: bool = True) -> None:
        """Install apps, by default those of the graph; the first of all makes the image for the others."""
        for app in self.edges if apps is None else apps:
            names = {each["app"] for each in await self.call("container-list")}
            if app in names:
                continue
            if not names:
                await self.plant()
            await self.operate("container-install", app=app, start=start)
            if not names:
                await self.plant()

    async def plant(self) -> None:
        """Give all apps their one image, if it is there by now."""
        packages = (await LocalCatalog(self.catalog).read()).packages
        await asyncio.to_thread(plant, Layout(self.root, self.runtime), packages.values())

    async def image(self, app: str) -> str:
        """Return the image of an app's container."""
        return str((await self.call("container-status", app=app))["containers"][0]["image"])

    async def lists(self, count: int) -> tuple[list[float], int]:
        """Ask for the list of apps so many times; return seconds in order of size, and the bytes of the answer."""
        times, answer = [], None
        for _ in range(count):
            began = time.perf_counter()
            answer = await self.call("container-list")
            times.append(time.perf_counter() - began)
        return sorted(times), len(json.dumps(answer))

    async def operate(self, method: str, **parameters: Any) -> None:
        """Call a method that starts an operation, and wait until it is done."""
        operation = await self.call(method, **parameters)
        while operation["state"] not in _OVER:
            operation = await self.call("operation-wait", id=operation["id"], timeout=_OPERATION_PATIENCE)
        if operation["state"] != "done":
            raise RuntimeError(operation["error"])

    def memory(self) -> float:
        """Return resident memory in MB."""
        return resident(self.process.pid)

    def processor(self) -> float:
        """Return seconds of CPU time used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def death_to_restart(self, app: str) -> float:
        """kill -9 an app's first process; return seconds until its successor was asked for."""
        name = f"archipelago-{app}--main"
        pid = subprocess.run(
            ["podman", "inspect", name, "--format", "{{.State.Pid}}"], capture_output=True, text=True, check=True
        ).stdout.strip()
        revision = (await self.call("system-info"))["revision"]
        subprocess.run(["podman", "unshare", "kill", "-9", pid], check=True)
        killed = time.time()
        while True:
            for event in await self.call("events-since", revision=revision):
                if event["app"] == app and "starting" in event["message"]:
                    return datetime.fromisoformat(event["at"]).timestamp() - killed
            await asyncio.sleep(0.005)


async def main() -> None:
    """Measure and report."""
    twelve = Daemon("twelve", EDGES)
    first = [await twelve.start()]
    await twelve.install_all()
    for _ in range(STARTS):
        await twelve.session.close()
        twelve.process.kill()
        twelve.process.wait()
        first.append(await twelve.start())
    await asyncio.sleep(SETTLING)
    before, began = twelve.processor(), time.monotonic()
    await asyncio.sleep(IDLE_SECONDS)
    share = 100 * (twelve.processor() - before) / (time.monotonic() - began)
    idle = twelve.memory()
    deaths = [1000 * await twelve.death_to_restart(app) for app in KILLED]
    image = await twelve.image(KILLED[0])
    by_podman = ("Podman's own restart", 1000 * statistics.median(restarts_by_podman(image, SLEEP, len(KILLED))))
    await twelve.stop()

    many = Daemon("many", {f"b{number}": () for number in range(MANY)})
    await many.start()
    await many.install_all()
    times, answer = await many.lists(LISTS)
    crowded = many.memory()
    await many.stop()

    bare = await bare_server(Path(os.environ["ARCHIPELAGO_RUNTIME"]) / "bare.sock", answer, LISTS)
    server = "a bare aiohttp server"
    starting, memory = (server, bare.first_answer), (server, bare.memory)
    p50, p99 = (lambda found: found[LISTS // 2] * 1000), (lambda found: found[LISTS * 99 // 100] * 1000)
    death = "death of a container until it is started again"
    lists = f"`container-list` with {MANY} apps"
    report(
        limited("start to first answer, median", statistics.median(first), "s", starting, at_most=0.8),
        plain("start to first answer, the very first, which creates the database", first[0], "s", starting),
        limited(f"resident memory, idle with {len(EDGES)} apps", idle, "MB", memory, at_most=80),
        limited(f"CPU, idle with {len(EDGES)} apps", share, "%", ("a core", 100), at_most=0.5),
        plain(f"{lists}, median", p50(times), "ms", (server, p50(bare.answers))),
        plain(f"{lists}, 99th percentile", p99(times), "ms", (server, p99(bare.answers))),
        plain(f"resident memory with {MANY} apps", crowded, "MB", memory),
        limited(f"{death}, median", statistics.median(deaths), "ms", by_podman, at_most=250),
        plain(f"{death}, worst", max(deaths), "ms", by_podman),
    )


if __name__ == "__main__":
    asyncio.run(main())
