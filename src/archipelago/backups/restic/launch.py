"""Runs commands in the namespace, for as long as this daemon wants and lives (`programs/launcher`)."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from archipelago.backups.programs import program
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.process import PODMAN_UMASK, process_exit
from archipelago.support.texts.text import msg

_PIECE = 1 << 20
_LONGEST_LINE = 256 << 20
"""Bytes. Lists of restic are one line, of about 700 bytes for each snapshot."""
_AGAIN = "retrying after"
"""What restic says before it tries something again."""
_DRAIN = 3.0
"""Seconds in which the rest of the output is read once the launcher has ended."""
_MOST_ERRORS = 200
"""Lines of errors that are kept."""
_LONGEST_ERROR = 64 << 10
"""Bytes; a longer line is kept as several."""


class UnreadableAnswer(NodeError):
    """A program has answered, and the node does not understand it: nothing is known of what it was asked for."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(ErrorCode.INTERNAL, message, hint=hint)


@dataclass(frozen=True, slots=True)
class Order:
    """A command that is to run in the namespace."""

    command: Sequence[str]
    folder: str = "/"
    """In which it starts."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    password: str = field(default="", repr=False)
    root: str = ""
    """Where `binds` appear."""
    binds: Mapping[str, str] = field(default_factory=dict)
    """Place below `root` -> directory."""
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Name -> text of a file in memory; `{name}` in the command stands for its path."""
    held: Mapping[str, str] = field(default_factory=dict)
    """Variable of the environment -> directory: the one that is there at the start, also after it was unmounted."""
    log: str = ""
    """Name of the file in which the command's own children write their errors."""
    give_up_on: Sequence[str] = ()
    """In small letters: what restic would try again for a quarter of an hour ends with an error that says one."""
    user: tuple[int, int] | None = None
    """User and group that it runs as, as the namespace counts them; root where there is none."""
    counted: bool = False
    """Whether lines on its output say how many bytes it has written so far."""

    @property
    def line(self) -> bytes:
        """The order as the launcher reads it."""
        words = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(words, default=dict).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    errors: str
    """What it wrote to its standard error, the end of it."""


Launch = Callable[[Order, Callable[[str], None]], Awaitable[Ended]]
"""Runs an order; `launch`, or what stands for it."""


_ENTER = ("podman", "unshare")


async def launch(order: Order, on_line: Callable[[str], None], enter: Sequence[str] = _ENTER) -> Ended:
    """Run a command; `on_line` gets each line of its output. A cancel ends it, and waits until it has ended.

    `enter` is the command that enters the namespace. Raises `UnreadableAnswer` where a line never ends.
    """
    text = await asyncio.to_thread(program, "launcher")
    process = await asyncio.create_subprocess_exec(
        *(*enter, sys.executable, "-I", "-c", text),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_PIECE,
        cwd="/",
        umask=PODMAN_UMASK,
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    errors = asyncio.create_task(_last_lines(process.stderr, order.give_up_on, process.stdin.close))
    try:
        with contextlib.suppress(ConnectionError):  # how it ended says why
            process.stdin.write(order.line)
            await process.stdin.drain()
        async for line, ended in _lines(process.stdout, _LONGEST_LINE):
            if not ended:
                raise UnreadableAnswer(msg("{program} says too much in one line", program=order.command[0]))
            on_line(line)
        return Ended(await process.wait(), await errors)
    except BaseException:
        process.stdin.close()  # the launcher takes that for the end
        await asyncio.shield(_ended(process, errors))
        raise
    finally:
        process.stdin.close()


async def launch_here(order: Order, on_line: Callable[[str], None]) -> Ended:
    """Run a command that needs no namespace, as the daemon's own user."""
    return await launch(order, on_line, enter=())


async def _ended(process: asyncio.subprocess.Process, errors: asyncio.Task[str]) -> None:
    """Wait until the launcher has ended; who else has its output open does not matter."""
    assert process.stdout is not None
    draining = asyncio.create_task(_drain(process.stdout))  # it may wait until somebody reads
    if process.returncode is None:
        await process_exit(process.pid)  # `Process.wait` waits for the end of its output as well
    # Where nobody else has it open, the event loop is done with the process after these.
    rest = [draining, errors, asyncio.create_task(process.wait())]
    await asyncio.wait(rest, timeout=_DRAIN)
    for task in rest:
        task.cancel()


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(65536):
        pass


async def _lines(stream: asyncio.StreamReader, longest: int) -> AsyncIterator[tuple[str, bool]]:
    """Yield lines, and whether each ends there; of one with more bytes than `longest`, the parts."""
    begun: list[bytes] = []
    size = 0
    while piece := await stream.read(_PIECE):
        *ends, rest = piece.split(b"\n")
        for end in ends:
            yield b"".join((*begun, end)).decode(errors="replace"), True
            begun, size = [], 0
        begun, size = [*begun, rest] if rest else begun, size + len(rest)
        if size > longest:
            yield b"".join(begun).decode(errors="replace"), False
            begun, size = [], 0
    if begun:
        yield b"".join(begun).decode(errors="replace"), True


async def _last_lines(stream: asyncio.StreamReader, signs: Sequence[str], give_up: Callable[[], None]) -> str:
    lines: list[str] = []
    async for line, _ in _lines(stream, _LONGEST_ERROR):
        lines = [*lines[1 - _MOST_ERRORS :], line[-_LONGEST_ERROR:]]
        if _AGAIN in lines[-1] and any(sign in lines[-1].lower() for sign in signs):
            give_up()
    return "\n".join(lines)
