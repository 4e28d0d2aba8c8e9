"""How apps and containers are: states, the progress of a chain, failures."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from archipelago.storage.records.runs import RunRecord
from archipelago.support.texts.translatable import Prose, Translatable
from archipelago.support.view import View


class HealthState(StrEnum):
    """State of an app or of one of its containers."""

    STARTING = "starting"
    SYNCING = "syncing"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    BACKING_OFF = "backing-off"
    WAITING = "waiting"
    """It waits for another app."""
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    """It cannot be brought up; the reason says why, and the node goes on trying."""


WORKING = frozenset({HealthState.HEALTHY, HealthState.SYNCING})
"""States in which an app does its work."""
TROUBLED = frozenset({HealthState.FAILED, HealthState.UNHEALTHY, HealthState.BACKING_OFF})
"""States in which something is wrong with it."""


class Sync(View):
    """How far a chain is."""

    chain: str
    height: Annotated[int, Field(ge=0)]
    headers: Annotated[int, Field(ge=0)]
    percent: Annotated[float, Field(ge=0, le=100)]
    initial_block_download: bool
    seconds_left: float | None = None
    """Estimate of the time to the tip, from the progress seen so far."""
    blocks_per_hour: Annotated[float, Field(ge=0)] | None = None
    """How fast it catches up, by the last ten minutes; null when it does not, and in the first seconds."""
    percent_per_hour: Annotated[float, Field(ge=0)] | None = None
    peers: Annotated[int, Field(ge=0)] | None = None
    """Nodes that it is connected with, where it says so."""
    tip_at: datetime | None = None
    """When its newest block was made, by the block itself."""
    stale: bool = False
    """Whether it has stood still for so long that it cannot be the newest state of the chain."""


class Failure(Translatable, View):
    """The last time that something went wrong."""

    at: datetime
    reason: Prose
    exit_code: int | None = None
    logs: tuple[str, ...] = ()
    """Last lines of the container's log."""
    disk_full: bool = False
    """Whether a full disk kept it from being started."""


class Health(Translatable, View):
    """Health of an app or container."""

    state: HealthState
    reason: Prose = ""
    since: datetime | None = None
    sync: Sync | None = None
    restarts: int = 0
    """Restarts by the node since the last healthy spell."""
    retry_at: datetime | None = None
    needs_owner: bool = False
    """Whether only the owner can help, as where the data is missing; the reason says how."""
    failure: Failure | None = None

    @property
    def trouble(self) -> str:
        """What is wrong, also while it is being started again after that; empty once that is over."""
        if self.state in TROUBLED:
            return self.reason
        again = self.state is HealthState.STARTING and self.restarts > 0
        return self.failure.reason if again and self.failure is not None else ""


def health_view(record: RunRecord) -> Health | None:
    """Return the health of a run as it was recorded; None for a state that this version does not know."""
    if record.state not in _STATES:
        return None
    return Health(state=HealthState(record.state), reason=record.reason, since=record.since)


_STATES = frozenset(each.value for each in HealthState)
