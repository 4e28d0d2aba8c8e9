"""Commands inside a running container."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from archipelago.container.podman_client.errors import (
    PodmanCall,
    PodmanError,
    PodmanFailure,
    PodmanTimeout,
    PodmanUnavailable,
)
from archipelago.container.podman_client.exec.session_end import ExecSession, ExecSessions
from archipelago.container.podman_client.models import CommandOutput, LogStream
from archipelago.container.podman_client.wire.streams import FrameDemultiplexer, StreamBroken
from archipelago.container.podman_client.wire.transport import Transport, named


class Execs:
    """Exec sessions: made, read to their end, and ended with all that they started when that does not come.

    Podman 4.3 cannot remove a session: each keeps a monitor process for `exit_command_delay` seconds after its end,
    five minutes unless containers.conf says less.
    """

    def __init__(self, transport: Transport, sessions: ExecSessions) -> None:
        self._transport = transport
        self._sessions = sessions

    async def run(
        self,
        name: str,
        command: Sequence[str],
        *,
        user: str,
        env: Mapping[str, str] | None,
        workdir: str,
        timeout: float,
        max_output: int,
    ) -> CommandOutput:
        """Run a command to its end or its time."""
        call = PodmanCall(f"run {command[0] if command else 'nothing'} in container", name)
        request = {
            "AttachStdout": True,
            "AttachStderr": True,
            "Cmd": list(command),
            "Env": [f"{key}={value}" for key, value in (env or {}).items()],
            "User": user,
            "WorkingDir": workdir,
        }
        session = await self._sessions.make(f"/containers/{named(call, name)}", call, request)
        try:
            try:
                async with asyncio.timeout(timeout):
                    stdout, stderr, truncated = await self._output(call, session, max_output)
                    code = await self._sessions.exit_code(session, call)
            except TimeoutError:
                raise PodmanTimeout(call, f"it did not end within {timeout:g} s and was killed") from None
            return CommandOutput(code, stdout, stderr, truncated)
        except BaseException as error:
            if isinstance(error, PodmanError) and error.status is not None:
                # Podman refused to start it.
                await self._sessions.remove(session)
            else:
                # Closing the connection alone leaves it running.
                await asyncio.shield(self._sessions.end(session))
            raise

    async def _output(self, call: PodmanCall, session: ExecSession, limit: int) -> tuple[bytes, bytes, bool]:
        frames = FrameDemultiplexer()
        kept = {LogStream.STDOUT: bytearray(), LogStream.STDERR: bytearray()}
        truncated = False
        body = {"Detach": False, "Tty": False}
        async with self._transport.stream("POST", f"/exec/{session.exec_id}/start", call, body=body) as pieces:
            try:
                async for piece in pieces:
                    for stream, payload in frames.feed(piece):
                        room = limit - sum(len(one) for one in kept.values())
                        kept[stream] += payload[:room]
                        truncated = truncated or len(payload) > room
            except StreamBroken as error:
                raise PodmanFailure(call, str(error)) from error
        if frames.pending:
            raise PodmanUnavailable(call, "the stream was cut off")
        return bytes(kept[LogStream.STDOUT]), bytes(kept[LogStream.STDERR]), truncated
