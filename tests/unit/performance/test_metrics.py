"""What apps have used over time."""

from hypothesis import given
from hypothesis import strategies as st

from archipelago.api.metrics import Measure, MetricsSpan
from archipelago.container.dependency_resolver.host_facts import ControlGroup
from archipelago.performance.metrics import Metrics, Usage, not_counted
from archipelago.performance.series import STEP

COUNTS = st.integers(min_value=0, max_value=2**50)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)


def test_rates_come_from_what_was_used_between_two_samples() -> None:
    metrics = Metrics()
    metrics.add(1000.0, {"knots": Usage(10**9, 500, 0, 100, 7, 0)}, ["knots"])
    assert metrics.history("knots", MetricsSpan.HOUR).points == ()
    metrics.add(1010.0, {"knots": Usage(6 * 10**9, 700, 50, 100, 27, 0)}, ["knots"])
    (point,) = metrics.history("knots", MetricsSpan.HOUR).points
    assert (point.cpu, point.memory, point.disk_read, point.disk_written) == (0.5, 700, 5.0, 0.0)
    assert (point.received, point.sent) == (2.0, 0.0)


def test_several_containers_count_together() -> None:
    assert Usage(1, 2, 3, 4, 5, 6) + Usage(1, 1, 1, 1, 1, 1) == Usage(2, 3, 4, 5, 6, 7)


def test_a_container_that_was_made_anew_counts_from_zero() -> None:
    metrics = Metrics()
    metrics.add(0.0, {"tor": Usage(received=1000)}, ["tor"])
    metrics.add(10.0, {"tor": Usage(received=20)}, ["tor"])
    assert metrics.history("tor", MetricsSpan.HOUR).points[0].received == 2.0


def test_an_app_that_is_gone_is_forgotten_and_a_stopped_one_uses_nothing() -> None:
    metrics = Metrics()
    for at in (0.0, 10.0):
        metrics.add(at, {"tor": Usage(memory=5)}, ["tor", "still"])
    assert metrics.history("still", MetricsSpan.HOUR).points[0].memory == 0
    metrics.add(20.0, {}, ["still"])
    metrics.add(30.0, {}, ["still", "tor"])
    assert metrics.history("tor", MetricsSpan.HOUR).points == ()


def test_what_is_not_counted_is_said() -> None:
    assert not_counted(ControlGroup("/node", frozenset({"cpu", "memory", "pids"}))) == (Measure.DISK,)
    assert not_counted(ControlGroup()) == tuple(Measure)


def test_an_hour_is_fine_a_day_is_coarse_and_both_end() -> None:
    metrics = Metrics()
    for number in range(300 * 30 + 1):
        metrics.add(number * STEP, {"tor": Usage(memory=number)}, ["tor"])
    hour, day = (metrics.history("tor", span) for span in MetricsSpan)
    assert (len(hour.points), hour.step) == (360, 10.0)
    assert (len(day.points), day.step) == (288, 300.0)
    assert hour.points[-1].memory == 9000
    assert day.points[-1].memory == sum(range(8971, 9001)) // 30


@given(st.lists(st.tuples(st.floats(0, 1e9), USAGES), max_size=20))
def test_nothing_is_ever_less_than_zero_and_time_goes_on(samples: list[tuple[float, Usage]]) -> None:
    metrics = Metrics()
    for at, usage in samples:
        metrics.add(at, {"a": usage}, ["a"])
    points = metrics.history("a", MetricsSpan.HOUR).points
    assert all(min(point.model_dump(exclude={"at"}).values()) >= 0 for point in points)


def test_a_clock_that_is_set_moves_all_points_together_and_changes_no_rate() -> None:
    metrics = Metrics()
    for number in range(4):
        metrics.add(100.0 + number * STEP, {"tor": Usage(received=1000 * number)}, ["tor"])
    for epoch in (0.0, 1_800_000_000.0, 1_800_000_000.0 - 8 * 3600):
        points = metrics.history("tor", MetricsSpan.HOUR, epoch).points
        assert [each.at.timestamp() for each in points] == [epoch + 110.0, epoch + 120.0, epoch + 130.0]
        assert {each.received for each in points} == {100.0}
