"""Ends containers without Podman, which cannot do anything where its own disk takes nothing any more."""

import asyncio
import contextlib
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from archipelago.container.manifest.model.containers import Stop
from archipelago.container.podman_client.models import ContainerSummary
from archipelago.container.workload.workload import ContainerWorkload
from archipelago.support.process import (
    DEAF,
    Signaller,
    is_alive,
    process_exit,
    stat_fields,
    until_heeding,
)

_KILL_PATIENCE = 5.0


def runs(found: ContainerSummary) -> bool:
    """Return whether the first process of a container is alive, as Podman saw it last. Blocking.

    Its number may be another's by now. The container's ID is in the name of its control group, where there is one, and
    among the arguments of conmon, which is its parent.
    """
    if found.pid <= 0 or not is_alive(found.pid):
        return False
    process = Path(f"/proc/{found.pid}")
    try:
        if found.id.encode() in (process / "cgroup").read_bytes():
            return True
        parent = int(stat_fields(found.pid)[1])
        return found.id.encode() in Path(f"/proc/{parent}/cmdline").read_bytes()
    except OSError:
        return False


async def end_app(
    found: Mapping[str, ContainerSummary], containers: Sequence[ContainerWorkload], send: Signaller
) -> None:
    """End the containers of an app, as Podman saw them last, in the opposite order to that in which they start."""
    known = {container.name: container.stop for container in containers}
    order = [name for name in found if name not in known] + [name for name in reversed(known) if name in found]
    for name in order:
        stop = known.get(name, Stop())
        await _end(found[name], signal.Signals[stop.signal], stop.grace, send)


async def _end(found: ContainerSummary, sign: signal.Signals, grace: float, send: Signaller) -> None:
    """Ask the first process of a container to end, and kill it after `grace` seconds; with it end all others."""
    await until_heeding(found.pid, sign, DEAF)
    for each, patience in ((sign, grace), (signal.SIGKILL, _KILL_PATIENCE)):
        if not await asyncio.to_thread(runs, found):
            return
        await send(found.pid, each)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await process_exit(found.pid)
                return
