"""Processes of others, by what the kernel tells of them."""

import asyncio
import os
import signal
import subprocess
import sys

from archipelago.container.podman_client.process import until_heeding

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
        await asyncio.wait_for(until_heeding(deaf.pid, signal.SIGTERM, 0.5), 30)
        deaf.kill()
    await until_heeding(deaf.pid, signal.SIGTERM, 60.0)  # it has ended
    await until_heeding(os.getpid(), signal.SIGINT, 3600.0)  # Python has a handler for Ctrl-C
