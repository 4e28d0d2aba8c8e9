"""What probes say of a container, and the health that follows from it. Pure: times come from outside."""

from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

from archipelago.api.health import Health, HealthState, Sync
from archipelago.chains.chain import Chain, ChainState
from archipelago.container.health_monitor.pace import Pace, Point
from archipelago.container.manifest.model.probes import HealthCheck
from archipelago.support.texts.text import msg


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one probe found: it answers, it answers but syncs, or it does not."""

    ok: bool
    reason: str = ""
    sync: Sync | None = None
    syncing: bool = False


def chain_verdict(chain: Chain, status: int, body: str, now: datetime) -> Verdict:
    """Return what an answer to a chain's probe means."""
    try:
        reading = chain.read(status, body, now.timestamp())
    except ValueError as error:
        return Verdict(False, str(error))
    sync = None if reading.state is None else _sync(reading.state)
    return Verdict(True, reading.reason, sync, reading.is_syncing)


def _sync(state: ChainState) -> Sync:
    tip_at = None if state.tip_at is None else datetime.fromtimestamp(state.tip_at, UTC)
    return Sync(**asdict(state) | {"tip_at": tip_at})


@dataclass(frozen=True, slots=True)
class Progress:
    """Health of one run of a container, after the probes so far."""

    health: Health
    failures: int = 0
    answered: bool = False
    sync_began: tuple[float, float] | None = None
    """When syncing was first seen, and at how many percent: the base of the estimate."""
    pace: Pace = field(default_factory=Pace)

    def after(self, verdict: Verdict, spec: HealthCheck, elapsed: float, now: datetime) -> "Progress":
        """Return the progress after one more probe; `elapsed` is seconds since the container was started."""
        if verdict.ok:
            state = HealthState.SYNCING if verdict.syncing else HealthState.HEALTHY
            began, sync = self._estimate(verdict, elapsed)
            pace, sync = self._paced(sync, elapsed) if began is not None else (Pace(), sync)
            return Progress(self._moved(state, verdict.reason, now, sync), 0, True, began, pace)
        failures = self.failures + 1
        if not self.answered:
            late = elapsed > spec.start_timeout
            reason = (
                msg(
                    "no answer {start_timeout} s after its start: {reason}",
                    start_timeout=f"{spec.start_timeout:g}",
                    reason=verdict.reason,
                )
                if late
                else verdict.reason
            )
            state = HealthState.UNHEALTHY if late else HealthState.STARTING
            return replace(self, health=self._moved(state, reason, now, None), failures=failures)
        if failures < spec.failures:
            return replace(self, failures=failures)
        return replace(self, health=self._moved(HealthState.UNHEALTHY, verdict.reason, now, None), failures=failures)

    def _estimate(self, verdict: Verdict, elapsed: float) -> tuple[tuple[float, float] | None, Sync | None]:
        sync = verdict.sync
        if sync is None or not verdict.syncing:
            return None, sync
        began = self.sync_began or (elapsed, sync.percent)
        spent, gained = elapsed - began[0], sync.percent - began[1]
        left = (100 - sync.percent) * spent / gained if gained > 0.01 and spent > 10 else None
        return began, sync.model_copy(update={"seconds_left": None if left is None else round(left)})

    def _paced(self, sync: Sync | None, elapsed: float) -> tuple[Pace, Sync | None]:
        if sync is None:
            return Pace(), None
        point = Point(elapsed, sync.height, sync.percent)
        pace = self.pace.after(point)
        rates = pace.per_hour(point)
        if rates is None:
            return pace, sync
        blocks, percent = rates
        return pace, sync.model_copy(update={"blocks_per_hour": round(blocks), "percent_per_hour": round(percent, 3)})

    def _moved(self, state: HealthState, reason: str, now: datetime, sync: Sync | None) -> Health:
        since = self.health.since if state == self.health.state else now
        return self.health.model_copy(update={"state": state, "reason": reason, "since": since, "sync": sync})
