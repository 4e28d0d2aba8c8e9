"""When a container that died is started again: at once, then ever later, never not at all."""

from dataclasses import dataclass, replace

FIRST_DELAY = 0.1
LONGEST_DELAY = 300.0
HEALTHY_SPELL = 120.0
UNHEALTHY_PATIENCE = 30.0
"""Least seconds that a running but unhealthy container gets to recover by itself."""
_JITTER = 0.2


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How often a container was restarted since its last healthy spell, and when the next restart is due.

    Times are seconds on one monotonic clock, passed in.
    """

    restarts: int = 0
    retry_at: float | None = None

    def failed(self, now: float, healthy_for: float, random: float) -> "RestartPolicy":
        """Return the policy after a failure of a run that had been healthy for so long.

        `random` in [0, 1) spreads restarts of many containers.
        """
        restarts = 0 if healthy_for >= HEALTHY_SPELL else self.restarts
        return RestartPolicy(restarts + 1, now + delay(restarts, random))

    def unhealthy(self, now: float, healthy_for: float, random: float) -> "RestartPolicy":
        """Return the policy for a run that does not answer: it gets `UNHEALTHY_PATIENCE` at least to recover."""
        failed = self.failed(now, healthy_for, random)
        return replace(failed, retry_at=max(failed.retry_at or now, now + UNHEALTHY_PATIENCE))

    def started(self) -> "RestartPolicy":
        """Return the policy once the container was started again."""
        return replace(self, retry_at=None)


def delay(restarts: int, random: float) -> float:
    """Return seconds until the restart after `restarts` earlier ones: 0.1, 1, 2, 4 … 300, each ± 20 %."""
    base = FIRST_DELAY if restarts == 0 else min(2.0 ** min(restarts - 1, 30), LONGEST_DELAY)
    return base * (1 + _JITTER * (2 * random - 1))
