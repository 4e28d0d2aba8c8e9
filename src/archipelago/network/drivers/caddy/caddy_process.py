"""The process that is Caddy: found alive, or started; started again when it dies; and configured."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from archipelago.network.drivers.caddy.caddy_config import Config
from archipelago.support.process import is_alive, process_exit, terminate

_ADMIN_TIMEOUT = 30.0
_START_TIMEOUT = 20.0
_GRACE = 15.0
_PATIENCE = 2.0
_LONGEST_ANSWER = 1000
_MEMORY = "32MiB"
"""From which on Caddy cleans up more often."""
_LOG_LIMIT = 256 * 1024


class CaddyError(Exception):
    """Caddy does not run, or refuses its configuration; the text says why."""


def find_caddy() -> str | None:
    """Return the program, which is installed with the node's Python packages; None where it is not."""
    return shutil.which("caddy", path=str(Path(sys.prefix) / "bin")) or shutil.which("caddy")


def guard_socket(folder: Path) -> Path:
    """Return where Caddy, which sees this folder alone, asks the node who may pass."""
    return folder / "login.sock"


class Caddy:
    """Runs at most one Caddy, in a folder that is the only one it sees.

    It is no child of the daemon: one that an earlier daemon left behind goes on, and is found by its socket.
    """

    def __init__(self, folder: Path, log: Path, program: str | None) -> None:
        self._folder = folder
        self._log = log
        self._program = program

    @property
    def admin(self) -> Path:
        """The socket by which it is configured; only the service user can open it."""
        return self._folder / "admin.sock"

    @property
    def guard(self) -> Path:
        """The socket on which the node says who may pass; only the service user can open it."""
        return guard_socket(self._folder)

    async def pid(self) -> int | None:
        """Return the process that answers on the socket; None where none does."""
        return await asyncio.to_thread(_listener, self.admin)

    async def start(self) -> None:
        """Return when it runs, with whatever configuration it has; raises `CaddyError`."""
        if await self.pid() is not None:
            return
        if self._program is None:
            raise CaddyError("there is no program 'caddy'")
        started = await asyncio.to_thread(self._spawn, self._program)
        deadline = asyncio.get_running_loop().time() + _START_TIMEOUT
        while started is not None and await self.pid() is None:
            if not await asyncio.to_thread(is_alive, started):
                started = None
            elif asyncio.get_running_loop().time() > deadline:
                await terminate(started, _GRACE)
                started = None
            await asyncio.sleep(0.01)  # no event says that a socket is listened on
        if started is None:
            raise CaddyError(f"it does not start: {await self._last_words()}")

    async def stop(self) -> None:
        """End it, with all connections; return when it is gone."""
        if (pid := await self.pid()) is not None:
            await terminate(pid, _GRACE)

    async def until_death(self) -> None:
        """Return when it is gone."""
        if (pid := await self.pid()) is not None:
            await process_exit(pid)

    async def config(self) -> Mapping[str, Any] | None:
        """Return its configuration; None where it has none yet. Raises `CaddyError`."""
        found = json.loads(await self._ask("GET", "/config/", None))
        return found if isinstance(found, dict) else None

    async def load(self, config: Config) -> None:
        """Replace its configuration. Connections go on; one that it refuses changes nothing. Raises `CaddyError`."""
        await self._ask("POST", "/load", config)

    async def _ask(self, method: str, path: str, body: Config | None) -> bytes:
        timeout = aiohttp.ClientTimeout(total=_ADMIN_TIMEOUT)
        try:
            async with (
                aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self.admin)), timeout=timeout) as session,
                session.request(method, f"http://localhost{path}", json=body) as answer,
            ):
                text = await answer.read()
        except (OSError, aiohttp.ClientError, TimeoutError) as error:
            raise CaddyError(f"it does not answer: {error or type(error).__name__}") from error
        if answer.status != 200:
            raise CaddyError(_complaint(text))
        return text

    def _spawn(self, program: str) -> int | None:
        """Start it, and return its process; None where that is not possible, of which the log says more."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self.admin.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            if self._log.stat().st_size > _LOG_LIMIT:
                self._log.unlink()
        output = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        place = str(self._folder)
        try:
            done = subprocess.run(
                [sys.executable, "-I", str(Path(__file__).with_name("confined.py")), place, program, "run"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd="/",
                timeout=_START_TIMEOUT,
                check=False,
                env={
                    "CADDY_ADMIN": f"unix/{self.admin}|0600",
                    "HOME": place,
                    "XDG_DATA_HOME": place,
                    "XDG_CONFIG_HOME": place,
                    "GOMEMLIMIT": _MEMORY,
                },
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        finally:
            os.close(output)
        return int(done.stdout) if done.returncode == 0 else None

    async def _last_words(self) -> str:
        def read() -> str:
            with contextlib.suppress(OSError):
                return " | ".join(self._log.read_text(errors="replace").splitlines()[-2:])[-_LONGEST_ANSWER:]
            return ""

        return await asyncio.to_thread(read) or "it said nothing"


def _listener(path: Path) -> int | None:
    with socket.socket(socket.AF_UNIX) as asking, contextlib.suppress(OSError):
        asking.settimeout(_PATIENCE)
        asking.connect(str(path))
        credentials = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[0])
    return None


def _complaint(text: bytes) -> str:
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    complaint = said.get("error") if isinstance(said, dict) else text.decode(errors="replace")
    return str(complaint)[:_LONGEST_ANSWER]
