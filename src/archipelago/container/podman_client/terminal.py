"""A program on a pseudo-terminal inside a container.

Podman turns the connection of `POST /libpod/exec/{id}/start` into a raw one: what is typed goes in, what the terminal
shows comes out (https://docs.podman.io/en/latest/_static/api.html, "ExecStartLibpod").
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence

from archipelago.container.podman_client.errors import (
    PodmanCall,
    PodmanError,
    PodmanFailure,
    PodmanTimeout,
    PodmanUnavailable,
    error_from_reply,
)
from archipelago.container.podman_client.session_end import ExecSession, ExecSessions
from archipelago.container.podman_client.transport import Transport, named

_BEGIN = 15.0
_TIDY = 10.0
_HEAD = 64 << 10
_PIECE = 32 << 10
_SWITCHED = {101, 200}
_ENVIRONMENT = ("TERM=xterm-256color",)


class Terminal:
    """An open terminal. `close` ends the program in it, if it still runs, with all that it started."""

    def __init__(
        self,
        transport: Transport,
        sessions: ExecSessions,
        session: ExecSession,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._transport = transport
        self._sessions = sessions
        self._session = session
        self._reader = reader
        self._writer = writer
        self._ended = False

    async def read(self) -> bytes:
        """Return what came next, or nothing when the program has ended."""
        try:
            shown = await self._reader.read(_PIECE)
        except ConnectionError:
            return b""
        self._ended = not shown
        return shown

    async def write(self, typed: bytes) -> None:
        """Send what was typed; it is dropped when the program has ended."""
        with contextlib.suppress(ConnectionError):
            self._writer.write(typed)
            await self._writer.drain()

    async def resize(self, columns: int, rows: int) -> None:
        """Tell the program how many characters there are."""
        call = PodmanCall("resize terminal", self._session.exec_id[:12])
        with contextlib.suppress(PodmanError):
            # It may have ended a moment ago.
            await self._transport.request(
                "POST", f"/exec/{self._session.exec_id}/resize", call, params={"w": columns, "h": rows}, timeout=_TIDY
            )

    async def close(self) -> None:
        """Hang up; unless the program has ended by itself, it is killed with all that it started."""
        self._writer.close()
        if not self._ended:
            await self._sessions.end(self._session)


async def open_terminal(
    transport: Transport, sessions: ExecSessions, name: str, command: Sequence[str], columns: int, rows: int
) -> Terminal:
    """Start a program on a terminal of this size. Raises `PodmanError`; Conflict when the container does not run."""
    call = PodmanCall("open a terminal in container", name)
    request = {
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": True,
        "Cmd": list(command),
        "Env": list(_ENVIRONMENT),
    }
    session = await sessions.make(f"/containers/{named(call, name)}", call, request)
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(_BEGIN):
            reader, writer = await asyncio.open_unix_connection(str(transport.service.socket_path), limit=_HEAD)
            body = json.dumps({"Detach": False, "Tty": True, "h": rows, "w": columns}).encode()
            head = (
                f"POST /v4.0.0/libpod/exec/{session.exec_id}/start HTTP/1.1\r\nHost: podman\r\nConnection: Upgrade\r\n"
                f"Upgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            status = int(answer.split(maxsplit=2)[1])
            if status not in _SWITCHED:
                raise error_from_reply(call, status, await reader.read(_HEAD))
    except BaseException as error:
        if writer is not None:
            writer.close()
            # Asked for: it may begin all the same.
            if not isinstance(error, PodmanError) or error.status is None:
                await asyncio.shield(sessions.end(session))
        if isinstance(error, TimeoutError):
            raise PodmanTimeout(call, f"it did not begin within {_BEGIN:g} s") from error
        if isinstance(error, OSError | EOFError):
            raise PodmanUnavailable(call, str(error)) from error
        if isinstance(error, asyncio.LimitOverrunError | ValueError | IndexError):
            raise PodmanFailure(call, "the answer is no HTTP") from error
        raise
    return Terminal(transport, sessions, session, reader, writer)
