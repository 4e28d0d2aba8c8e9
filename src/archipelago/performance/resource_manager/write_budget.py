"""How much apps may write to the disk in a day before it wears out early. Pure.

Makers of consumer flash disks warrant about 0.3 writes of the whole disk a day over five years (600 TB for 1 TB); cards
endure less. The budget is about all apps together: it is the disk that wears out.
"""

from collections.abc import Mapping, Sequence

_WRITES_PER_DAY = 0.3
"""Of the whole disk."""


def writes_too_much(written: Mapping[str, int], disk_total: int) -> bool:
    """Return whether apps wrote more in a day than the disk endures; `written` is in bytes by app."""
    return sum(written.values()) > _WRITES_PER_DAY * disk_total


def largest_writers(written: Mapping[str, int]) -> Sequence[str]:
    """Return the apps that wrote anything, the one that wrote most first."""
    return sorted((app for app, size in written.items() if size), key=lambda app: (-written[app], app))
