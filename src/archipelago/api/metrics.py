"""What apps used over time."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from archipelago.support.view import View


class MetricsSpan(StrEnum):
    """How far back one looks."""

    HOUR = "hour"
    DAY = "day"


class Measure(StrEnum):
    """What is measured of an app."""

    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"


class MetricsPoint(View):
    """What an app used in the step that ended then; rates in bytes per second."""

    at: datetime
    cpu: Annotated[float, Field(ge=0)]
    """Cores."""
    memory: Annotated[int, Field(ge=0)]
    """Bytes."""
    disk_read: Annotated[float, Field(ge=0)]
    disk_written: Annotated[float, Field(ge=0)]
    received: Annotated[float, Field(ge=0)]
    sent: Annotated[float, Field(ge=0)]


class MetricsView(View):
    """What an app used over time."""

    step: float
    """Seconds between two points."""
    points: tuple[MetricsPoint, ...]
    """The oldest first; they start with the node's start."""
    not_counted: tuple[Measure, ...] = ()
    """What this host does not count, since no controller of cgroup2 is delegated for it; its values are zero."""
