"""Processes that are not our children: wait for their end at once, end them gently and then not."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

DEAF = 3.0
"""Seconds after its start for which a process that has no handler for a signal may still be about to get one."""
_MASK_POLL = 0.02
PODMAN_UMASK = 0o022
"""For Podman and for what makes images: with the node's own, users of containers could not read their /etc/passwd,
which Podman makes, nor the files of packages."""

_START_TIME = 19
"""Place of the time of a process's start in proc(5)'s `stat`, counted from the field behind its name."""


async def process_exit(pid: int) -> None:
    """Return within a millisecond of the end of a process, or at once when there is none of that number.

    Works for any process of the host, a container's first one included. Podman itself reports a container's death
    some hundred milliseconds later. A number may have been given to another process: once this waits, ask Podman
    again whether it is still the container's.
    """
    if pid <= 0:
        return
    try:
        handle = os.pidfd_open(pid)
    except (ProcessLookupError, FileNotFoundError):  # the latter where the number is a thread's by now
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(handle, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that has ended and only waits for its parent to notice does not."""
    try:
        return stat_fields(pid)[:1] not in ([b"Z"], [b"X"], [])
    except (FileNotFoundError, ProcessLookupError):
        return False


def stat_fields(pid: int) -> list[bytes]:
    """Return the fields of proc(5)'s `stat` from the third on; raises `OSError`.

    As bytes: a process calls itself what it likes (PR_SET_NAME of prctl(2)).
    """
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()


def process_start(pid: int) -> int | None:
    """Return when a process was started, in ticks since the boot (proc(5), field 22 of `stat`); None for no process."""
    try:
        return int(stat_fields(pid)[_START_TIME])
    except (FileNotFoundError, ProcessLookupError):
        return None


def seconds_since(start: int) -> float:
    """Return the seconds since a time in ticks since the boot; no setting of a clock changes it."""
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - start / os.sysconf("SC_CLK_TCK"))


def process_age(pid: int) -> float | None:
    """Return the seconds since a process was started, None where there is none; no setting of a clock changes it."""
    start = process_start(pid)
    return None if start is None else seconds_since(start)


async def until_heeding(pid: int, sign: signal.Signals, patience: float) -> None:
    """Return once a process that has just started does something about a signal, at the latest `patience` seconds old.

    The first process of a container does not get a signal for which it has no handler yet (pid_namespaces(7)): one
    that is sent too early is lost.
    """
    while True:
        if not await asyncio.to_thread(_may_be_deaf, pid, sign, patience):
            return
        await asyncio.sleep(_MASK_POLL)  # the kernel notifies nobody when a process gets a handler


def _may_be_deaf(pid: int, sign: signal.Signals, patience: float) -> bool:
    age = process_age(pid)
    return age is not None and age < patience and not _heeds(pid, sign)


def _heeds(pid: int, sign: signal.Signals) -> bool:
    try:
        # Neither its name, which is there too, need be text, nor without other ends of lines.
        lines = Path(f"/proc/{pid}/status").read_bytes().split(b"\n")
    except (FileNotFoundError, ProcessLookupError):
        return True  # it has ended
    masks = (int(line.split()[1], 16) for line in lines if line.startswith((b"SigCgt:", b"SigBlk:", b"SigIgn:")))
    return any(mask >> (sign - 1) & 1 for mask in masks)


def find_processes(wanted: Callable[[Path], bool]) -> list[int]:
    """Return the processes whose directory in /proc is `wanted`; one that cannot be read is not."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is none of ours
            if wanted(directory):
                found.append(int(directory.name))
    return found


Signaller = Callable[[int, signal.Signals], Awaitable[None]]


async def signal_own(pid: int, sign: signal.Signals) -> None:
    """Send a signal to a process of our own user; one that is gone is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sign)


async def terminate(
    pid: int, grace: float, send: Signaller = signal_own, first: signal.Signals = signal.SIGTERM
) -> None:
    """Ask a process to end, by the signal `first`, and kill it after `grace` seconds; return when it is gone."""
    for sign, patience in ((first, grace), (signal.SIGKILL, 5.0)):
        await send(pid, sign)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await process_exit(pid)
                return
