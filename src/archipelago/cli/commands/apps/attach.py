"""`archipelago exec -i` and `-t`: a command in an app that this terminal, or a pipe, is connected to."""

import asyncio
import codecs
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archipelago.cli.client import Client
from archipelago.cli.errors import CommandError, Exit, from_rpc
from archipelago.cli.output import clean

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse

_PIECE = 32 << 10
_AHEAD = 4
"""Pieces of input that are read before the node has taken them."""
_ERRORS = {401: "login-needed", 403: "forbidden", 400: "invalid-params", 409: "busy", 429: "too-many", 503: "busy"}


@dataclass(frozen=True, slots=True)
class Attachment:
    """What is run, and what it is connected to."""

    app: str
    command: tuple[str, ...]
    container: str | None
    stdin: bool
    tty: bool
    timeout: float | None
    """Seconds; None for any time."""


def attach(client: Client, wanted: Attachment) -> int:
    """Run a command that is typed to, and return its exit code; the terminal is left as it was found."""
    if wanted.tty and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandError(Exit.USAGE, "-t needs a terminal, and this is none", "use -i alone for a pipe or a file")
    return asyncio.run(_until_told(client, wanted))


async def _until_told(client: Client, wanted: Attachment) -> int:
    """Run it until it ends or a signal says so: what was changed of the terminal is restored in any case."""
    work = asyncio.create_task(_attach(client, wanted))
    told: list[int] = []
    loop = asyncio.get_running_loop()

    def end(number: int) -> None:
        told.append(number)
        work.cancel()

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    try:
        async with asyncio.timeout(wanted.timeout):
            return await work
    except TimeoutError:
        raise CommandError(
            Exit.FAILED, f"'{wanted.command[0]}' did not end within {wanted.timeout:g} s and was killed"
        ) from None
    except asyncio.CancelledError:
        if not told:
            raise
        return 128 + told[0]


async def _attach(client: Client, wanted: Attachment) -> int:
    import aiohttp

    unix, address, headers = await asyncio.to_thread(client.door)
    connector = aiohttp.UnixConnector(unix) if unix else aiohttp.TCPConnector()
    query = _query(wanted)
    async with aiohttp.ClientSession(address, connector=connector, headers=headers) as session:
        try:
            async with session.ws_connect("/exec", params=query, max_msg_size=0, heartbeat=30.0) as socket:
                return await _converse(socket, wanted)
        except aiohttp.WSServerHandshakeError as error:
            name = _ERRORS.get(error.status, "internal")
            raise from_rpc({"message": f"the node refused: {error.status} {name}", "data": {"name": name}}) from error
        except (aiohttp.ClientError, OSError) as error:
            raise CommandError(Exit.UNREACHABLE, f"the node stopped answering: {error}") from error


def _query(wanted: Attachment) -> dict[str, str]:
    query = {"app": wanted.app, "command": json.dumps(list(wanted.command)), "stdin": "1" if wanted.stdin else "0"}
    if wanted.container:
        query["container"] = wanted.container
    if wanted.tty:
        columns, rows = _size()
        query |= {"tty": "1", "columns": str(columns), "rows": str(rows)}
    return query


async def _converse(socket: "ClientWebSocketResponse", wanted: Attachment) -> int:
    with _raw_terminal() if wanted.tty else contextlib.nullcontext():
        typing = asyncio.create_task(_type(socket)) if wanted.stdin else None
        resized = asyncio.create_task(_tell_sizes(socket)) if wanted.tty else None
        try:
            return await _show(socket, plain=not wanted.tty)
        finally:
            for task in (typing, resized):
                if task is not None:
                    task.cancel()


async def _show(socket: "ClientWebSocketResponse", *, plain: bool) -> int:
    """Write what comes, and return the exit code that comes last."""
    from aiohttp import WSMsgType

    outputs = {1: _Output(sys.stdout.fileno(), plain), 2: _Output(sys.stderr.fileno(), plain)}
    async for message in socket:
        if message.type is WSMsgType.BINARY and message.data:
            # In a thread: whoever does not read this command's output must not keep it from answering the node.
            await asyncio.to_thread(outputs[message.data[0]].write, message.data[1:])
        elif message.type is WSMsgType.TEXT:
            said: dict[str, Any] = json.loads(message.data)
            if "error" in said:
                raise from_rpc(said["error"])
            return int(said["exit_code"])
    raise CommandError(Exit.UNREACHABLE, "the node ended the connection", "the session may have ended: log in again")


class _Output:
    """One of this command's outputs; a program without a terminal of its own cannot take over this one."""

    def __init__(self, descriptor: int, plain: bool) -> None:
        self._descriptor = descriptor
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace") if plain and os.isatty(descriptor) else None

    def write(self, data: bytes) -> None:
        if self._decoder is not None:
            data = clean(self._decoder.decode(data).replace("\r\n", "\n")).encode()
        while data:
            data = data[os.write(self._descriptor, data) :]


async def _type(socket: "ClientWebSocketResponse") -> None:
    """Pass standard input on until it ends."""
    pieces: asyncio.Queue[bytes] = asyncio.Queue(_AHEAD)
    loop = asyncio.get_running_loop()

    def read() -> None:
        # Its loop may have ended meanwhile: nobody wants the rest.
        with contextlib.suppress(RuntimeError, OSError, asyncio.CancelledError):
            while True:
                piece = os.read(sys.stdin.fileno(), _PIECE)
                asyncio.run_coroutine_threadsafe(pieces.put(piece), loop).result()
                if not piece:
                    return

    # Not one of the loop's own threads: at its end nobody waits for the next key.
    threading.Thread(target=read, daemon=True).start()
    with contextlib.suppress(ConnectionError):
        while piece := await pieces.get():
            await socket.send_bytes(piece)
        await socket.send_str('{"eof": true}')


async def _tell_sizes(socket: "ClientWebSocketResponse") -> None:
    """Send the node each new size of the window."""
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGWINCH, changed.set)
    try:
        with contextlib.suppress(ConnectionError):
            while True:
                await changed.wait()
                changed.clear()
                columns, rows = _size()
                await socket.send_str(json.dumps({"columns": columns, "rows": rows}))
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)


def _size() -> tuple[int, int]:
    size = os.get_terminal_size(sys.stdout.fileno())
    return min(max(size.columns, 2), 1000), min(max(size.lines, 2), 1000)


@contextlib.contextmanager
def _raw_terminal() -> Iterator[None]:
    """Have each key go to the command, and put the terminal back afterwards."""
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor, termios.TCSADRAIN)  # what was typed ahead stays
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
