"""Has the daemons of tests find room on this host, however busy it is: they would pause apps and refuse others.

Small disks, which tests fill, are what they are.
"""

from pathlib import Path

from archipelago.performance import host

_SMALL = 8 << 30
_TOTAL, _FREE = 1 << 40, 1 << 39


def find_room() -> None:
    """Have every large disk of this process half empty, and no program of the host wait for memory."""
    real = host.disk

    def disk(path: Path) -> tuple[int, int]:
        total, free = real(path)
        return (total, free) if total < _SMALL else (_TOTAL, _FREE)

    host.disk = disk
    host.memory_pressure = lambda: 0.0
