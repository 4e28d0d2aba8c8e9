"""Commands in containers whose output becomes a file, or whose input is one; neither is ever in memory as a whole."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from archipelago.backups.dumps.commands import DumpCommands
from archipelago.container.podman_client.containers import Containers
from archipelago.container.podman_client.exec.terminal import Terminal
from archipelago.container.podman_client.models import LogStream
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secrets.secret import Secret
from archipelago.support.private_files import reported
from archipelago.support.texts.text import msg

_PIECE = 1 << 20
_MOST_LINES, _LONGEST_LINE = 200, 4096
_IDLE = 900.0
"""Seconds for which a command may say nothing: what waits that long for a lock ends."""
_LONGEST = 12 * 3600.0
"""Seconds that a dump may take."""
_RESERVE = 256 * 1024**2
"""Bytes of the disk that a dump leaves free: the app goes on writing."""


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """How a command ended."""

    code: int
    size: int
    """Bytes that it wrote to its output."""
    tail: bytes
    """The last of them."""
    lines: tuple[str, ...]
    """Of its errors, the first ones and the last one."""
    complete: bool
    """Whether these are all of them."""
    cut_off: bool
    """Whether Podman ended meanwhile, so that some of its output, or of its input, may be lost."""

    @property
    def reason(self) -> str:
        """Why it failed, for people."""
        said = [line.strip() for line in self.lines if line.strip()]
        return said[-1][-300:] if said else msg("exit code {code}", code=self.code)


@dataclass(frozen=True, slots=True)
class DumpStreams:
    """Runs the commands. Raises `PodmanError` where one cannot be started, and `NodeError` where the disk is full.

    Whatever ends the wait ends the command, with all that it started.
    """

    containers: Containers

    async def dump(self, container: str, commands: DumpCommands, secret: Secret | None, to: Path) -> StreamEnd:
        """Write what a server holds to a new file; `container` is a name in Podman."""
        async with self._started(container, commands.dump, secret) as terminal:
            await terminal.end_input()
            with reported(to):
                file = await asyncio.to_thread(to.open, "wb")
                with file:
                    return await _in_time(_followed(terminal, file, to.parent))

    async def load(self, container: str, commands: DumpCommands, secret: Secret | None, dump: Path) -> StreamEnd:
        """Have a server read a dump."""
        async with self._started(container, commands.load, secret) as terminal:
            feeding = asyncio.create_task(_feed(terminal, commands.before, dump))
            try:
                ended = await _followed(terminal, None, dump.parent)
                if feeding.done():
                    feeding.result()
                return ended
            finally:
                feeding.cancel()
                await asyncio.wait([feeding])

    @contextlib.asynccontextmanager
    async def _started(self, container: str, command: Sequence[str], secret: Secret | None) -> AsyncIterator[Terminal]:
        terminal = await self.containers.terminal(container, command, None, stdin=True)
        try:
            if secret is not None:
                await terminal.write(secret.reveal().encode() + b"\n")
            yield terminal
        finally:
            await asyncio.shield(terminal.close())


async def _feed(terminal: Terminal, before: bytes, dump: Path) -> None:
    await terminal.write(before)
    with reported(dump):
        file = await asyncio.to_thread(dump.open, "rb")
        with file:
            while piece := await asyncio.to_thread(file.read, _PIECE):
                await terminal.write(piece)
    await terminal.end_input()


async def _in_time(dump: Coroutine[Any, Any, StreamEnd]) -> StreamEnd:
    try:
        async with asyncio.timeout(_LONGEST):
            return await dump
    except TimeoutError:
        raise NodeError(
            ErrorCode.TIMEOUT, msg("the command has not ended within {hours} hours", hours=round(_LONGEST / 3600))
        ) from None


@contextlib.asynccontextmanager
async def _not_idle() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_IDLE):
            yield
    except TimeoutError:
        raise NodeError(
            ErrorCode.TIMEOUT, msg("the command has done nothing for {seconds} s", seconds=round(_IDLE))
        ) from None


async def _followed(terminal: Terminal, file: BinaryIO | None, folder: Path) -> StreamEnd:
    pieces, errors, size, tail = bytearray(), _Lines(), 0, b""
    while True:
        async with _not_idle():
            found = await terminal.read_output()
        if found is not None and found[0] is LogStream.STDERR:
            errors.add(found[1])
            continue
        if found is not None:
            size += len(found[1])
            tail = (tail + found[1])[-_LONGEST_LINE:]
            pieces += found[1] if file is not None else b""
        if file is not None and (found is None or len(pieces) >= _PIECE):
            await asyncio.to_thread(_write, file, bytes(pieces), folder)
            pieces.clear()
        if found is None:
            async with _not_idle():
                code = await terminal.exit_code()
            return StreamEnd(code, size, tail, errors.all, errors.complete, terminal.is_cut_off)


def _write(file: BinaryIO, data: bytes, folder: Path) -> None:
    if len(data) >= _PIECE and shutil.disk_usage(folder).free < _RESERVE:
        raise NodeError(
            ErrorCode.DISK_FULL,
            msg("the disk is too full for a dump of the database"),
            hint=msg("free some space, then try again"),
        )
    file.write(data)


class _Lines:
    """The first lines of a stream; the last one that does not fit takes the place of the one before."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._rest = b""

        self.complete = True

    def add(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-_LONGEST_LINE:]
        for line in whole:
            self.complete = self.complete and len(self._lines) <= _MOST_LINES
            del self._lines[_MOST_LINES:]
            self._lines.append(line[:_LONGEST_LINE].decode(errors="replace"))

    @property
    def all(self) -> tuple[str, ...]:
        rest = (self._rest.decode(errors="replace"),) if self._rest else ()
        return (*self._lines, *rest)
