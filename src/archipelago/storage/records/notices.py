"""The notices that the owner has hidden."""

from dataclasses import dataclass
from enum import StrEnum


class Hiding(StrEnum):
    """How a notice is hidden."""

    ACKNOWLEDGED = "acknowledged"
    """Until it says something else."""
    REMINDED = "reminded"
    """Until some time has passed, or it says something else."""
    MUTED = "muted"
    """Until it is brought back."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A notice that the owner has hidden."""

    how: Hiding
    said: str
    """What it said then (`Notice.said`)."""
    at: float = 0.0
    """When it was hidden: seconds since 1970."""
    until: float | None = None
    """When it is shown again, by the same clock; null unless the owner wants to be reminded."""
