"""Which other processes have a lock on a file, as far as the kernel says (proc_locks(5))."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_LOCKS = Path("/proc/locks")
_FIELDS = 8
"""Number, kind, mode, access, process, file, first and last byte."""
_NAME_LENGTH = 16
"""Bytes of a program's name that the kernel keeps (TASK_COMM_LEN), which its owner may choose."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a lock."""

    pid: int
    program: str


def lock_holders(files: Iterable[Path]) -> tuple[Holder, ...]:
    """Return the other processes that have a write lock on one of some files; none where the kernel says nothing.

    Blocking. Processes outside of this one's PID namespace are not seen.
    """
    wanted = {key for file in files if (key := _key(file)) is not None}
    try:
        lines = _LOCKS.read_text().splitlines()
    except OSError:
        return ()
    pids = {pid for line in lines if (pid := _writer(line, wanted)) is not None}
    return tuple(Holder(pid, _program(pid)) for pid in sorted(pids - {os.getpid()}))


def _key(file: Path) -> str | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"


def _writer(line: str, wanted: set[str]) -> int | None:
    fields = line.split()
    # A line with '->' is of a process that waits for a lock.
    if len(fields) != _FIELDS or fields[3] != "WRITE" or fields[5] not in wanted or not fields[4].isdigit():
        return None
    return int(fields[4]) or None


def _program(pid: int) -> str:
    try:
        name = Path(f"/proc/{pid}/comm").read_bytes()[:_NAME_LENGTH]
    except OSError:
        return "it has just ended"
    return "".join(letter if letter.isprintable() else "?" for letter in name.decode("utf-8", "replace").strip())
