"""Looks at a command of a build while it runs, and ends the build where it takes more than it may."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from archipelago.container.logs.parser import LogParser
from archipelago.support.process import process_exit
from archipelago.support.texts.text import msg

_LOOK = 0.2
_KEPT_OUTPUT = 64 * 1024
LEAST_FREE = 128 << 20
"""Bytes of the disk that a build leaves to the rest of the node."""
_LEAST_MEMORY = 256 << 20
"""Bytes of the host's memory that a build leaves; less on a host that has little."""
_OWN_MEMORY = (b"RssAnon", b"VmSwap")


class BuildStopped(Exception):
    """A build cannot go on; `hint` says what to do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class BuildLimits:
    """What the commands of one build may use; sizes in bytes, times in seconds."""

    memory: int = 2 << 30
    processes: int = 512
    step_time: float = 1800.0
    """Of one command."""
    total_time: float = 3600.0
    """Of all commands of the build, since its image was there, without the time that it waits for its turn."""
    disk: int = 4 << 30
    """Bytes that are added to the image."""
    files: int = 300_000
    """Files that are added to the image."""
    output: int = 8 << 20
    """Bytes that one command may write to its outputs."""


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """What is on the disk: bytes, and number of files."""

    size: int
    files: int


@dataclass(frozen=True, slots=True)
class _Seen:
    log: int | None
    """Number of the log's file (inode); None while there is none."""
    memory: int
    processes: int
    host_is_short: bool
    free: int
    free_files: int


class StepWatch:
    """Watches one command. `growth` counts what was added to the image, and takes its time.

    Where the host has no controllers of cgroup2, `ids`, which no other process of this host has, distinguish the
    processes of the build, and how much memory they use.
    """

    def __init__(
        self,
        growth: Callable[[], Awaitable[DiskUsage]],
        folder: Path,
        log: Path,
        limits: BuildLimits,
        ids: range,
    ) -> None:
        self._growth = growth
        self._folder = folder
        self._log = log
        self._limits = limits
        self._ids = ids
        self._first_log: int | None = None
        self._free: tuple[int, int] | None = None

    async def run(self, pid: int, left: float) -> None:
        """Return when the process has ended. Raises `BuildStopped` at a limit, which ends nothing by itself."""
        end = asyncio.create_task(process_exit(pid))
        patience = min(left, self._limits.step_time)
        try:
            async with asyncio.timeout(patience):
                while not end.done():
                    await asyncio.wait([end], timeout=_LOOK)
                    await self._look(ended=end.done())
        except TimeoutError:
            raise BuildStopped(
                msg(
                    "it took longer than {step_time} s, or its build longer than {total_time} s",
                    step_time=f"{self._limits.step_time:.0f}",
                    total_time=f"{self._limits.total_time:.0f}",
                ),
                msg("let it do less, or put what it makes into the app's folder"),
            ) from None
        finally:
            end.cancel()

    async def _look(self, *, ended: bool) -> None:
        seen = await asyncio.to_thread(_see, self._folder, self._log, self._ids)
        self._check_output(seen.log)
        if not ended:
            self._check_processes(seen)
        await self._check_disk(seen, ended=ended)

    def _check_output(self, log: int | None) -> None:
        # conmon starts a new file once the log is full.
        self._first_log = log if self._first_log is None else self._first_log
        if log != self._first_log:
            raise BuildStopped(
                msg("it wrote more than {bytes} bytes of output", bytes=self._limits.output), msg("let it say less")
            )

    def _check_processes(self, seen: "_Seen") -> None:
        if seen.memory > self._limits.memory or seen.host_is_short:
            raise BuildStopped(
                msg(
                    "it needs more memory than a build may use ({memory} MiB), or than this host has",
                    memory=self._limits.memory >> 20,
                ),
                msg("let it build less at a time"),
            )
        if seen.processes > self._limits.processes:
            raise BuildStopped(
                msg("it has more processes than a build may have ({processes})", processes=self._limits.processes),
                msg("let it do less at a time"),
            )

    async def _check_disk(self, seen: "_Seen", *, ended: bool) -> None:
        if seen.free < LEAST_FREE:
            raise BuildStopped(
                msg("there is no space left on device for what it writes"), msg("free some space, then try again")
            )
        free, files = self._free or (seen.free, seen.free_files)
        # To count costs a walk through all files, so it is done once the disk has become fuller, by whomever.
        fuller = free - seen.free > self._limits.disk // 8 or files - seen.free_files > self._limits.files // 8
        if self._free is None or fuller:
            self._free = (seen.free, seen.free_files)
        if fuller or ended:
            grown = await self._growth()
            if grown.size > self._limits.disk or grown.files > self._limits.files:
                raise BuildStopped(
                    msg(
                        "it wrote more than a build may add to its image ({disk} MiB in {files} files)",
                        disk=self._limits.disk >> 20,
                        files=self._limits.files,
                    ),
                    msg("let it write less, or start from an image that holds more"),
                )


def _see(folder: Path, log: Path, ids: range) -> _Seen:
    try:
        number = log.stat().st_ino
    except FileNotFoundError:
        number = None
    disk = os.statvfs(folder)
    memory, processes = usage_of(ids)
    return _Seen(number, memory, processes, _is_host_short(), disk.f_bavail * disk.f_frsize, disk.f_favail)


def usage_of(ids: range) -> tuple[int, int]:
    """Return the memory in bytes and the number of the processes of these users (proc(5)); blocks, some ms."""
    memory = processes = 0
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            lines = (directory / "status").read_bytes().split(b"\n")
        except OSError:
            continue  # it has ended
        fields = {name: rest.split() for name, _, rest in (line.partition(b":") for line in lines)}
        if b"Uid" in fields and int(fields[b"Uid"][1]) in ids:
            processes += 1
            memory += 1024 * sum(int(fields[name][0]) for name in _OWN_MEMORY if name in fields)
    return memory, processes


def _is_host_short() -> bool:
    """Return whether the host's memory runs out, as by files in memory that belong to no process."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    fields = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}
    return fields["MemAvailable"] < min(_LEAST_MEMORY, fields["MemTotal"] // 16)


def last_output(log: Path) -> str:
    """Return the end of what a command wrote, from the log that conmon keeps of it; blocks."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 2 * _KEPT_OUTPUT))
            content = file.read()
    except FileNotFoundError:
        return ""
    parser = LogParser()
    lines = [line.text for line in (*parser.feed(content), *parser.flush())]
    return "\n".join(lines)[-_KEPT_OUTPUT:]
