"""Processes of others, by what the kernel tells of them."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from archipelago.container.podman_client.exec import session_sweep
from archipelago.container.podman_client.models import ContainerState, ContainerSummary
from archipelago.container.reconciler.keeper.last_resort import runs
from archipelago.support.process import is_alive, process_age, until_heeding

LATE = "import signal, sys; sys.stdin.readline(); signal.signal(signal.SIGTERM, print); print(1, flush=True); input()"


async def test_a_process_that_gets_its_handler_late_is_waited_for() -> None:
    with subprocess.Popen([sys.executable, "-c", LATE], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as late:
        assert late.stdin is not None
        waiting = asyncio.create_task(until_heeding(late.pid, signal.SIGTERM, 60.0))
        _, pending = await asyncio.wait([waiting], timeout=0.2)
        assert pending, "it has no handler yet"
        late.stdin.write(b"\n")
        late.stdin.flush()
        await asyncio.wait_for(waiting, 30)
        late.kill()


async def test_one_that_never_gets_a_handler_is_waited_for_only_while_it_is_young() -> None:
    with subprocess.Popen(["sleep", "60"]) as deaf:
        await asyncio.wait_for(until_heeding(deaf.pid, signal.SIGTERM, 0.2), 30)
        deaf.kill()
    await until_heeding(deaf.pid, signal.SIGTERM, 60.0)  # it has ended
    await until_heeding(os.getpid(), signal.SIGINT, 3600.0)  # Python has a handler for Ctrl-C


_NAMED = """
import ctypes, sys
ctypes.CDLL(None).prctl(15, bytes.fromhex(sys.argv[1]), 0, 0, 0)  # PR_SET_NAME
print(1, flush=True)
input()
"""


@contextmanager
def called(name: bytes) -> Iterator[int]:
    """Yield the id of a process that calls itself so."""
    command = [sys.executable, "-c", _NAMED, name.hex()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.kill()


@pytest.mark.parametrize("name", [b"\xff\xfe) Z 1 1", b"x\rSigCgt:", b"x\x1cSigCgt: z", b"x\rNSsid:"])
async def test_what_a_process_calls_itself_keeps_no_app_from_being_stopped(name: bytes) -> None:
    with called(name) as pid:
        assert is_alive(pid) and (process_age(pid) or 0) < 60
        await asyncio.wait_for(until_heeding(pid, signal.SIGTERM, 0.2), 30)
        times = {"created_at": None, "started_at": None, "exited_at": None}
        about = {"id": "0" * 64, "name": "a", "image": "i", "image_id": "", "labels": {}, "networks": ()}
        container = ContainerSummary(**about, **times, state=ContainerState.RUNNING, pid=pid, exit_code=0)  # type: ignore[arg-type]
        assert not runs(container), "it is none of that container"
        # It looks at all processes, whoever they belong to.
        swept = subprocess.run(
            [sys.executable, "-I", session_sweep.__file__, "NOBODY=has", "0"], capture_output=True, text=True
        )
        assert (swept.returncode, swept.stderr) == (0, "")
