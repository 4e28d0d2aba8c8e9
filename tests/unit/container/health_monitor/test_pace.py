"""How fast a chain is caught up with."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from archipelago.api.health import Health, HealthState, Sync
from archipelago.container.health_monitor.pace import Pace, Point
from archipelago.container.health_monitor.progress import Progress, Verdict
from archipelago.container.manifest.model.probes import HealthCheck, TcpProbe

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPEC = HealthCheck(probe=TcpProbe(type="tcp", port=80), failures=3, start_timeout=60)


def test_the_pace_is_that_of_the_last_minutes() -> None:
    pace = Pace()
    for minute in range(30):
        fast = minute >= 15
        pace = pace.after(Point(minute * 60.0, 1000 * minute if fast else minute, minute / 10))
    rates = pace.per_hour(Point(1740.0, 29_000, 2.9))
    assert rates is not None
    assert rates[0] == 60_000 and round(rates[1], 6) == 6.0


def test_the_first_seconds_say_nothing() -> None:
    pace = Pace().after(Point(0.0, 5, 1.0))
    assert pace.per_hour(Point(9.0, 500, 2.0)) is None
    assert pace.per_hour(Point(10.0, 15, 2.0)) == (3600.0, 360.0)


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 1000), st.floats(0, 100)), max_size=200))
def test_a_pace_is_small_and_never_negative(steps: list[tuple[float, int, float]]) -> None:
    now, pace = 0.0, Pace()
    for later, height, percent in steps:
        now += later
        point = Point(now, height, percent)
        pace = pace.after(point)
        rates = pace.per_hour(point)
        assert rates is None or min(rates) >= 0
        assert len(pace.points) <= 31


def test_a_chain_that_syncs_has_a_pace_and_one_at_its_tip_has_none() -> None:
    def after(progress: Progress, height: int, elapsed: float, *, syncing: bool = True) -> Progress:
        sync = Sync(chain="main", height=height, headers=900, percent=height / 9, initial_block_download=syncing)
        return progress.after(Verdict(True, sync=sync, syncing=syncing), SPEC, elapsed, NOW)

    progress = after(Progress(Health(state=HealthState.STARTING, since=NOW)), 90, 0.0)
    assert progress.health.sync is not None and progress.health.sync.blocks_per_hour is None
    progress = after(progress, 190, 60.0)
    assert progress.health.sync is not None
    assert progress.health.sync.blocks_per_hour == 6000
    assert progress.health.sync.percent_per_hour == 666.667
    progress = after(progress, 900, 120.0, syncing=False)
    assert progress.health.sync is not None and progress.health.sync.blocks_per_hour is None
    assert progress.pace == Pace()
