"""The daemon: time to first answer, idle cost with 12 apps, `container-list` with 100 apps, death to restart begun.

Run it with `scripts/bench daemon`. Everything is measured on a real daemon process, asked over its unix socket.
"""

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
from graph import EDGES, write_catalog

IDLE_SECONDS = float(os.environ.get("BENCH_IDLE", "60"))
LISTS = 500
_OPERATION_PATIENCE = 60
_OVER = ("done", "failed", "cancelled")
PORT = 18481


class Daemon:
    """A daemon process with a catalog of its own."""

    def __init__(self, name: str, edges: dict[str, tuple[str, ...]]) -> None:
        self.root = Path(os.environ["ARCHIPELAGO_ROOT"]) / name
        self.runtime = Path(os.environ["ARCHIPELAGO_RUNTIME"]) / name
        self.catalog = write_catalog(edges)
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
        self.process = subprocess.Popen(
            [sys.executable, "-m", "archipelago.daemon"], env=environment, stdout=subprocess.DEVNULL
        )
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
        self.process.terminate()
        await asyncio.to_thread(self.process.wait)

    async def call(self, method: str, **parameters: Any) -> Any:
        """Call a method."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        async with self.session.post("http://localhost/rpc/v1", json=request) as response:
            answer = await response.json()
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    async def install_all(self) -> None:
        """Install every app of the catalog."""
        for app in self.edges:
            names = {each["app"] for each in await self.call("container-list")}
            if app in names:
                continue
            await self.operate("container-install", app=app)

    async def operate(self, method: str, **parameters: Any) -> None:
        """Call a method that begins an operation, and wait until it is done."""
        operation = await self.call(method, **parameters)
        while operation["state"] not in _OVER:
            operation = await self.call("operation-wait", id=operation["id"], timeout=_OPERATION_PATIENCE)
        if operation["state"] != "done":
            raise RuntimeError(operation["error"])

    def memory(self) -> float:
        """Return resident memory in MB."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1000

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
                    from datetime import datetime

                    return datetime.fromisoformat(event["at"]).timestamp() - killed
            await asyncio.sleep(0.005)


async def main() -> None:
    """Measure and print."""
    twelve = Daemon("twelve", EDGES)
    first = [await twelve.start()]
    await twelve.install_all()
    for _ in range(4):
        await twelve.session.close()
        twelve.process.kill()
        twelve.process.wait()
        first.append(await twelve.start())
    print(f"time to first answer: {statistics.median(first):.2f} s, worst {max(first):.2f} s (aim 0.8)")
    await asyncio.sleep(15)
    before, began = twelve.processor(), time.monotonic()
    await asyncio.sleep(IDLE_SECONDS)
    share = 100 * (twelve.processor() - before) / (time.monotonic() - began)
    print(f"idle with 12 apps: {twelve.memory():.0f} MB resident (aim 70), {share:.2f} % of one core (aim 0.5)")
    deaths = [await twelve.death_to_restart(app) for app in ("a1", "a5", "a9", "a12", "a3")]
    print(f"death to restart begun: median {statistics.median(deaths) * 1000:.0f} ms, "
          f"worst {max(deaths) * 1000:.0f} ms (aim 250)")  # fmt: skip
    await twelve.stop()
    hundred = Daemon("hundred", {f"b{number}": () for number in range(100)})
    await hundred.start()
    await hundred.install_all()
    times = []
    for _ in range(LISTS):
        began = time.perf_counter()
        await hundred.call("container-list")
        times.append(time.perf_counter() - began)
    times.sort()
    p50, p99 = times[LISTS // 2] * 1000, times[LISTS * 99 // 100] * 1000
    print(f"container-list with 100 apps: p50 {p50:.1f} ms, p99 {p99:.1f} ms; {hundred.memory():.0f} MB resident")
    await hundred.stop()


if __name__ == "__main__":
    asyncio.run(main())
