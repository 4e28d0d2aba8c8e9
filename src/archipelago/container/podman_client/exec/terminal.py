"""A program inside a container that somebody types to, on a pseudo-terminal or without one.

Podman turns the connection of `POST /libpod/exec/{id}/start` into a raw one: what is typed goes in, what the terminal
shows comes out (https://docs.podman.io/en/latest/_static/api.html, "ExecStartLibpod").
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Sequence

from archipelago.container.podman_client.errors import (
    PodmanCall,
    PodmanError,
    PodmanFailure,
    PodmanTimeout,
    PodmanUnavailable,
    error_from_reply,
)
from archipelago.container.podman_client.exec.session_end import ExecSession, ExecSessions
from archipelago.container.podman_client.models import LogStream
from archipelago.container.podman_client.wire.streams import FrameDemultiplexer, StreamBroken
from archipelago.container.podman_client.wire.transport import Transport, named

_BEGIN = 15.0
_TIDY = 10.0
_HEAD = 64 << 10
_PIECE = 32 << 10
_SWITCHED = {101, 200}
_ENVIRONMENT = ("TERM=xterm-256color",)


class Terminal:
    """A program that runs. `close` ends it, if it still runs, with all that it started."""

    def __init__(
        self,
        transport: Transport,
        sessions: ExecSessions,
        session: ExecSession,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        frames: FrameDemultiplexer | None = None,
        served_by: int | None = None,
    ) -> None:
        self._transport = transport
        self._sessions = sessions
        self._session = session
        self._reader = reader
        self._writer = writer
        self._ended = False
        self._served_by = served_by
        self._frames = frames
        """What takes its outputs apart; None on a pseudo-terminal, which has but one."""
        self._waiting: deque[tuple[LogStream, bytes]] = deque()

    @property
    def is_cut_off(self) -> bool:
        """Whether Podman's service is another one by now than at the start: some of the output may be lost."""
        return self._transport.service.pid != self._served_by

    async def read_output(self) -> tuple[LogStream, bytes] | None:
        """Return what came next and from where, or None when the program has ended."""
        if self._frames is None:
            shown = await self.read()
            return (LogStream.STDOUT, shown) if shown else None
        while not self._waiting:
            if not (data := await self.read()):
                return None
            with contextlib.suppress(StreamBroken):
                self._waiting.extend((stream, payload) for stream, payload in self._frames.feed(data) if payload)
        return self._waiting.popleft()

    async def read(self) -> bytes:
        """Return what came next as Podman sends it, or nothing when the program has ended."""
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

    async def end_input(self) -> None:
        """Close the program's input."""
        with contextlib.suppress(ConnectionError, OSError):
            await self._writer.drain()
            self._writer.write_eof()

    async def exit_code(self) -> int:
        """Return the exit code of a program whose output has ended, once it has. Raises `PodmanError`."""
        self._ended = False  # it may have closed its output, and run on
        code = await self._sessions.exit_code(self._session, PodmanCall("end terminal", self._session.exec_id[:12]))
        self._ended = True
        return code

    async def resize(self, columns: int, rows: int) -> None:
        """Set the size of the program's terminal, in characters."""
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
    transport: Transport,
    sessions: ExecSessions,
    name: str,
    command: Sequence[str],
    size: tuple[int, int] | None,
    *,
    stdin: bool = True,
) -> Terminal:
    """Start a program on a terminal of this size (columns, rows), or without one where there is none.

    Raises `PodmanError`; Conflict when the container does not run.
    """
    call = PodmanCall("open a terminal in container", name)
    request = {
        "AttachStdin": stdin,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": size is not None,
        "Cmd": list(command),
        "Env": list(_ENVIRONMENT) if size is not None else [],
    }
    session = await sessions.make(f"/containers/{named(call, name)}", call, request)
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(_BEGIN):
            reader, writer = await asyncio.open_unix_connection(str(transport.service.socket_path), limit=_HEAD)
            measures = {"w": size[0], "h": size[1]} if size is not None else {}
            body = json.dumps({"Detach": False, "Tty": size is not None, **measures}).encode()
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
            if isinstance(error, PodmanError) and error.status is not None:
                await sessions.remove(session)
            else:
                # Asked for: it may start all the same.
                await asyncio.shield(sessions.end(session))
        if isinstance(error, TimeoutError):
            raise PodmanTimeout(call, f"it did not start within {_BEGIN:g} s") from error
        if isinstance(error, OSError | EOFError):
            raise PodmanUnavailable(call, str(error)) from error
        if isinstance(error, asyncio.LimitOverrunError | ValueError | IndexError):
            raise PodmanFailure(call, "the answer is no HTTP") from error
        raise
    frames = None if size is not None else FrameDemultiplexer()
    return Terminal(transport, sessions, session, reader, writer, frames, transport.service.pid)
