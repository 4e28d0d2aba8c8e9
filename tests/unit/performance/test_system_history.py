"""What the whole host has used over time."""

import sys
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from archipelago.api.metrics import MetricsSpan
from archipelago.performance import host
from archipelago.performance.series import STEP
from archipelago.performance.system_history import HostSample, SystemHistory

GIB = 1 << 30
SAMPLES = st.builds(HostSample, st.floats(0, 1e9), st.floats(0, 1e9), st.integers(0, 1 << 50), st.integers(0, 1 << 50))


def points(history: SystemHistory, span: MetricsSpan) -> list[tuple[float, float, int, int]]:
    view = history.view(span, 0.0, 8 * GIB, 100 * GIB)
    return [(each.at.timestamp(), each.cpu, each.memory_used, each.disk_used) for each in view.points]


def test_the_share_of_the_processors_is_that_of_the_time_between_two_samples() -> None:
    history = SystemHistory()
    history.add(1000.0, HostSample(50.0, 100.0, 1, 2))
    assert points(history, MetricsSpan.HOUR) == []
    history.add(1010.0, HostSample(55.0, 120.0, 3, 4))
    assert points(history, MetricsSpan.HOUR) == [(1010.0, 0.25, 3, 4)]


def test_an_hour_is_fine_a_day_is_coarse_and_both_end() -> None:
    history = SystemHistory()
    for number in range(300 * 30 + 1):
        history.add(number * STEP, HostSample(number * 5.0, number * 20.0, number, 2 * number))
    hour, day = (points(history, span) for span in MetricsSpan)
    assert (len(hour), len(day)) == (360, 288)
    assert hour[-1] == (90_000.0, 0.25, 9000, 18_000)
    assert day[-1] == (90_000.0, 0.25, sum(range(8971, 9001)) // 30, 18_000)
    assert day[1][0] - day[0][0] == 300.0


def test_a_whole_day_takes_little_memory() -> None:
    tracemalloc.start()
    history = SystemHistory()
    for number in range(360 + 288 * 30):
        history.add(number * STEP, HostSample(number * 5.1, number * 20.1, 10**9 + number, 10**11 + number))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(points(history, MetricsSpan.DAY)) == 288
    assert used < 300_000


@given(st.lists(st.tuples(st.floats(-10, 100).map(lambda seconds: round(seconds, 3)), SAMPLES), max_size=100))
def test_no_sample_breaks_it(samples: list[tuple[float, HostSample]]) -> None:
    history, now = SystemHistory(), 0.0
    for later, sample in samples:
        now += later
        history.add(now, sample)
    for span in MetricsSpan:
        found = points(history, span)
        assert [each[0] for each in found] == sorted({each[0] for each in found})
        assert all(0 <= each[1] <= 1 for each in found)


def test_this_host_counts_its_processors() -> None:
    first = host.processors()
    sum(range(10**6))
    second = host.processors()
    assert 0 < first[0] <= first[1] < sys.maxsize
    assert second[0] >= first[0] and second[1] >= first[1]
