"""How much apps write to the disk in a day."""

from hypothesis import given
from hypothesis import strategies as st

from archipelago.performance.metrics import Metrics, Usage
from archipelago.performance.resource_manager.write_budget import largest_writers, writes_too_much

GIB = 1024**3


def test_what_an_app_writes_in_a_day_is_added_up_and_older_writes_are_forgotten() -> None:
    metrics, rate, apps = Metrics(), 1000, ("knots", "tor")
    for step in range(2 * 8640):
        metrics.add(10.0 * step, {"knots": Usage(disk_written=10 * step * rate)}, apps)
    written = metrics.written_in_a_day()
    assert abs(written["knots"] - 86400 * rate) < 300 * rate
    assert written["tor"] == 0


def test_a_container_that_was_created_again_loses_nothing_of_what_was_written() -> None:
    metrics = Metrics()
    for step in range(61):
        total = step * 100 if step < 30 else (step - 30) * 100
        metrics.add(10.0 * step, {"knots": Usage(disk_written=total)}, ("knots",))
    assert metrics.written_in_a_day() == {"knots": 5900}


def test_an_idle_node_that_writes_170_gb_a_day_is_warned_of_on_a_small_disk() -> None:
    assert writes_too_much({"knots": 170 * 10**9}, 500 * 10**9)
    assert not writes_too_much({"knots": 170 * 10**9}, 1000 * 10**9)


@given(st.dictionaries(st.text(max_size=5), st.integers(0, 1 << 45)))
def test_the_largest_writer_is_named_first(written: dict[str, int]) -> None:
    found = largest_writers(written)
    assert set(found) == {app for app, size in written.items() if size}
    assert [written[app] for app in found] == sorted((written[app] for app in found), reverse=True)
