"""What the daemon is held against: the least HTTP server of its libraries, and a restart that Podman does itself."""

import asyncio
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiohttp

_PROGRAM = """
import sys
from aiohttp import web
async def answer(request):
    return web.Response(body=bytes(int(request.query.get("size", "2"))), content_type="application/json")
app = web.Application()
app.router.add_post("/rpc/v1", answer)
web.run_app(app, path=sys.argv[1], print=None)
"""
_BOX = "bare-restarted"


@dataclass(frozen=True, slots=True)
class BareServer:
    """What a server costs that does nothing: seconds, megabytes, seconds for each answer in order of size."""

    first_answer: float
    memory: float
    answers: list[float]


async def bare_server(socket: Path, answer_size: int, calls: int) -> BareServer:
    """Start a bare aiohttp server on a unix socket, ask it, and end it."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", _PROGRAM, str(socket)])
    try:
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as session:
            while True:
                try:
                    await _ask(session, 2)
                    break
                except (OSError, aiohttp.ClientError):
                    if process.poll() is not None:
                        raise RuntimeError(f"the bare server ended with {process.returncode}") from None
                    await asyncio.sleep(0.005)
            first = time.perf_counter() - began
            times = []
            for _ in range(calls):
                began = time.perf_counter()
                await _ask(session, answer_size)
                times.append(time.perf_counter() - began)
        return BareServer(first, resident(process.pid), sorted(times))
    finally:
        process.terminate()
        process.wait()


async def _ask(session: aiohttp.ClientSession, answer_size: int) -> None:
    async with session.post(f"http://localhost/rpc/v1?size={answer_size}", json={"id": 1}) as response:
        await response.read()


def resident(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1000


def restarts_by_podman(image: str, command: tuple[str, ...], rounds: int) -> list[float]:
    """kill -9 a container that Podman itself restarts; return seconds until each new start."""
    kept = ("--detach", "--init", "--restart=always", "--name", _BOX)
    _podman("run", *kept, "--entrypoint", command[0], image, *command[1:])
    try:
        times = []
        for _ in range(rounds):
            pid, started = _podman("inspect", _BOX, "--format", "{{.State.Pid}} {{json .State.StartedAt}}").split()
            _podman("unshare", "kill", "-9", pid)
            killed = time.time()
            while (now := _podman("inspect", _BOX, "--format", "{{json .State.StartedAt}}")) == started:
                time.sleep(0.005)
            times.append(datetime.fromisoformat(now.strip('"')).timestamp() - killed)
        return times
    finally:
        _podman("rm", "--force", "--time", "0", _BOX)


def _podman(*arguments: str) -> str:
    return subprocess.run(["podman", *arguments], check=True, capture_output=True, text=True).stdout.strip()
