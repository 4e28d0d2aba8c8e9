"""What came of a trial run. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from archipelago.api.health import WORKING, Health, HealthState
from archipelago.container.health_monitor.states import STATES
from archipelago.container.workload.workload import ContainerWorkload
from archipelago.support.texts.text import joined, msg

TRIES = 3
"""Crashes after which a container is given up."""
_MARGIN = 60.0
"""Seconds beyond the start times."""
_WITHOUT_PROBE = 20.0
"""Seconds that a container without a probe may take."""
_LONGEST = 1800.0
_DOWN = (HealthState.FAILED, HealthState.UNHEALTHY)


class TrialOutcome(StrEnum):
    """Whether the app came up."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    """It did not, and could not be expected to: another app that it needs is not there."""


@dataclass(frozen=True, slots=True)
class TrialVerdict:
    """What came of a trial run."""

    outcome: TrialOutcome
    reason: str = ""
    """In words for the owner; of an app that passed, nothing or that it still syncs."""
    seconds: float = 0.0
    """From the start of its first container until this was known."""
    logs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Last lines of each container that did not come up."""

    @property
    def passed(self) -> bool:
        """Whether the app came up."""
        return self.outcome is TrialOutcome.PASSED


def is_settled(healths: Mapping[str, Health], names: Sequence[str]) -> bool:
    """Return whether nothing more is to be waited for: all containers work, or one of them never will."""
    states = [healths[name].state if name in healths else HealthState.STARTING for name in names]
    return all(state in WORKING for state in states) or any(state in _DOWN for state in states)


def judge(healths: Mapping[str, Health], names: Sequence[str], providers: Sequence[str]) -> tuple[TrialOutcome, str]:
    """Return what the health of the containers says, and why; `providers` are apps that it cannot do without."""
    wrong = {
        name: healths[name] if name in healths else Health(state=HealthState.STARTING)
        for name in names
        if name not in healths or healths[name].state not in WORKING
    }
    if not wrong:
        return TrialOutcome.PASSED, next((each.reason for each in healths.values() if each.reason), "")
    # The one that is worst off says most: others may only wait for it.
    name = min(wrong, key=lambda each: (wrong[each].state not in _DOWN, list(names).index(each)))
    why = wrong[name].reason or STATES[wrong[name].state]
    if providers:
        needed = joined(list(providers), ", ")
        return TrialOutcome.UNDECIDED, msg(
            "it needs {providers}, which a trial does not have; {container}: {why}",
            providers=needed,
            container=name,
            why=why,
        )
    return TrialOutcome.FAILED, msg("{container}: {why}", container=name, why=why)


def time_limit(containers: Sequence[ContainerWorkload]) -> float:
    """Return the seconds after which a trial run is over, whatever is known by then."""
    starts = (_WITHOUT_PROBE if each.health is None else each.health.start_timeout for each in containers)
    return min(_MARGIN + sum(starts), _LONGEST)
