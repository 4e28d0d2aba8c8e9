"""What the volumes of an app took on the disk."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DayOfDiskUse:
    """What was counted last on one day."""

    day: int
    """Days since 1970, UTC."""
    bytes: int
