"""Restarts come at once, then ever later, and never stop."""

from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.reconciler.restart_policy import (
    FIRST_DELAY,
    HEALTHY_SPELL,
    LONGEST_DELAY,
    RestartPolicy,
    delay,
)

randoms = st.floats(min_value=0, max_value=1, exclude_max=True)


def test_the_first_restart_is_at_once_and_later_ones_wait_longer() -> None:
    waits = [delay(restarts, 0.5) for restarts in range(12)]
    assert waits[:4] == [FIRST_DELAY, 1.0, 2.0, 4.0]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_DELAY


@given(st.integers(min_value=0, max_value=10**6), randoms)
def test_a_restart_is_always_due_some_time(restarts: int, random: float) -> None:
    assert 0 < delay(restarts, random) <= LONGEST_DELAY * 1.2


@given(st.integers(min_value=0, max_value=1000), randoms, st.floats(min_value=0, max_value=1e6))
def test_a_healthy_spell_resets_the_count(restarts: int, random: float, healthy_for: float) -> None:
    policy = RestartPolicy(restarts).failed(100.0, healthy_for, random)
    assert policy.restarts == (1 if healthy_for >= HEALTHY_SPELL else restarts + 1)
    assert policy.retry_at is not None and policy.retry_at > 100.0
    assert policy.started().retry_at is None
