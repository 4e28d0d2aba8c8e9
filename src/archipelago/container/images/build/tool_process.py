"""Programs of the host that the node runs to make images: in a process group of their own, which a cancel ends."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from archipelago.support.first_error import FirstError
from archipelago.support.process import PODMAN_UMASK

SOURCE_DATE = "1700000000"
"""Time stamp of all files (SOURCE_DATE_EPOCH, reproducible-builds.org): the same input gives the same image."""
_KEPT_OUTPUT = 4000
_PASSED_ON = (
    "PATH",
    "HOME",
    "XDG_RUNTIME_DIR",
    "LANG",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "CONTAINERS_CONF",
    "CONTAINERS_STORAGE_CONF",
    "CONTAINERS_REGISTRIES_CONF",
)


def environment() -> dict[str, str]:
    """Return the environment of such a program."""
    own = {"SOURCE_DATE_EPOCH": SOURCE_DATE}
    return {key: os.environ[key] for key in _PASSED_ON if key in os.environ} | own


def removal(folder: Path) -> tuple[str, ...]:
    """Return the command that removes a directory, whoever in the namespace owns what is in it, and nothing mounted."""
    return ("podman", "unshare", "rm", "-rf", "--one-file-system", str(folder))


async def run_tool(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    given: AsyncIterator[bytes] | None = None,
    output: Path | None = None,
) -> tuple[int, str]:
    """Run a command; return its exit code and the last 4000 bytes of what it said.

    `given` is its standard input. Where `output` is given, that new file takes its standard output, and what it said
    is its standard error alone. A cancel, and an error of `given`, ends all of its process group.
    """
    with contextlib.ExitStack() as stack:
        written = None
        if output is not None:
            descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            written = stack.enter_context(os.fdopen(descriptor, "wb"))
        process = await asyncio.create_subprocess_exec(
            *command,
            env=dict(environment),
            stdin=asyncio.subprocess.PIPE if given is not None else asyncio.subprocess.DEVNULL,
            stdout=written if written is not None else asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE if written is not None else asyncio.subprocess.STDOUT,
            start_new_session=True,
            umask=PODMAN_UMASK,
        )
    said = process.stderr if output is not None else process.stdout
    assert said is not None
    try:
        async with FirstError(), asyncio.TaskGroup() as group:
            tail = group.create_task(_tail(said))
            if given is not None:
                group.create_task(_feed(process, given))
        return await process.wait(), tail.result().decode("utf-8", "replace")
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await asyncio.shield(process.wait())


async def _tail(stream: asyncio.StreamReader) -> bytes:
    output = b""
    while part := await stream.read(65536):
        output = (output + part)[-_KEPT_OUTPUT:]
    return output


async def _feed(process: asyncio.subprocess.Process, pieces: AsyncIterator[bytes]) -> None:
    assert process.stdin is not None
    try:
        async for piece in pieces:
            process.stdin.write(piece)
            await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has ended, and says why
    finally:
        process.stdin.close()
