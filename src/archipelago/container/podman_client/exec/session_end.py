"""The end of exec sessions that are given up: with all that they started, also where they have not started yet."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archipelago.container.podman_client.errors import NotFound, PodmanCall, PodmanError
from archipelago.container.podman_client.exec.session_removal import NOT_BEGUN, remove_session
from archipelago.container.podman_client.wire.transport import Transport

_log = logging.getLogger(__name__)

_SWEEP = Path(__file__).with_name("session_sweep.py")
_MARK = "ARCHIPELAGO_SESSION"
_CALL_TIMEOUT = 10.0
_SHOWN_PATIENCE = 10.0
"""Seconds that whoever gives a session up waits for its end; after that it goes on by itself."""
_BEGIN_PATIENCE = 600.0
"""Seconds after which Podman is not expected to start a session any more."""
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class ExecSession:
    """A session as Podman knows it, and the mark by which its processes are known: part of their environment."""

    exec_id: str
    mark: str
    container: str


@dataclass(slots=True)
class ExecSessions:
    """Makes sessions and ends them.

    Podman 4.3 can end none, and knows no more of one than its first process; the children of that may have left it, in
    sessions of their own. And a session whose start was asked for starts later, even when nobody waits for it any more.
    """

    transport: Transport
    _ending: set[asyncio.Task[None]] = field(default_factory=set)

    async def make(self, path: str, call: PodmanCall, request: Mapping[str, Any]) -> ExecSession:
        """Make a session, which nothing runs in yet. Raises `PodmanError`."""
        mark = f"{_MARK}={secrets.token_hex(16)}"
        body = {**request, "Env": [*request.get("Env", ()), mark]}
        made = await self.transport.json("POST", f"{path}/exec", call, body=body)
        return ExecSession(str(made["Id"]), mark, path.rpartition("/")[2])

    async def state(self, session: ExecSession, call: PodmanCall) -> dict[str, Any]:
        """Return what Podman says of a session. Raises `PodmanError`."""
        found = await self.transport.json("GET", f"/exec/{session.exec_id}/json", call, timeout=_CALL_TIMEOUT)
        return dict(found)

    async def exit_code(self, session: ExecSession, call: PodmanCall) -> int:
        """Return how a session ended whose output has ended. Raises `PodmanError`."""
        pause = 0.002
        while True:
            found = await self.state(session, call)
            if not found.get("Running"):
                code = int(found.get("ExitCode") or 0)
                if code in NOT_BEGUN:
                    await self.remove(session)
                return code
            # The output ends a moment before the monitor has written the exit code.
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.1)

    async def remove(self, session: ExecSession) -> None:
        """Remove what Podman keeps of a session that could not be started."""
        await asyncio.shield(remove_session(self.transport.service, session.container, session.exec_id))

    async def end(self, session: ExecSession) -> None:
        """End a session whose start was asked for, with all that it started; returns when nothing of it is left.

        Where Podman has not started it yet, it ends as soon as it starts: after ten seconds without whoever asked.
        """
        task = asyncio.create_task(self._end(session))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        await asyncio.wait({task}, timeout=_SHOWN_PATIENCE)

    async def _end(self, session: ExecSession) -> None:
        try:
            await self._sweep(session, await self._first_process(session))
        except (PodmanError, OSError) as error:
            _log.warning("what an exec session left behind may still run: %s", error)

    async def _first_process(self, session: ExecSession) -> int:
        """Return the process id of what a session started with, once it has; 0 where it has ended."""
        call = PodmanCall("end exec session", session.exec_id[:12])
        pause = _FIRST_PAUSE
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_BEGIN_PATIENCE):
                while True:
                    try:
                        found = await self.state(session, call)
                    except NotFound:
                        break
                    except PodmanError:
                        found = {}
                    if found.get("Running"):
                        return int(found.get("Pid") or 0)
                    if found.get("CanRemove"):
                        break
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
        return 0

    async def _sweep(self, session: ExecSession, first: int) -> None:
        source = await asyncio.to_thread(_SWEEP.read_text, encoding="utf-8")
        code, said = await self.transport.service.command(
            "unshare", sys.executable, "-I", "-c", source, session.mark, str(first)
        )
        if code != 0:
            _log.warning("what an exec session left behind may still run: %s", said or "it cannot be killed")
