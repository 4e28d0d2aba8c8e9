"""Spans of the wall clock, which may be set at any time."""

from hypothesis import given
from hypothesis import strategies as st

from archipelago.support.wall_spans import StoredSpans, remaining

moments = st.floats(-1e10, 1e10)


@given(moments, st.floats(0, 1e6), moments)
def test_a_span_is_never_longer_than_it_was(start: float, length: float, now: float) -> None:
    end = start + length
    left = remaining(start, end, now)
    assert 0 <= left <= end - start
    assert (left == 0) == (now >= end or end == start)


def test_what_is_left_is_left() -> None:
    assert remaining(100, 160, 130) == 30
    assert remaining(100, 160, -1000) == 60


@given(st.lists(st.tuples(moments, st.floats(0, 1000)), max_size=20))
def test_a_stored_span_ends_in_time_though_the_clock_is_set(steps: list[tuple[float, float]]) -> None:
    spans, steady = StoredSpans[str](), 0.0
    assert spans.left({"a": (100.0, 160.0)}, 130.0, steady) == {"a": 30.0}
    for wall, later in steps:
        steady += later
        assert spans.left({"a": (100.0, 160.0)}, wall, steady) == {"a": max(0.0, 30.0 - steady)}


def test_a_span_that_is_stored_again_is_another_one() -> None:
    spans = StoredSpans[str]()
    spans.left({"a": (0.0, 60.0), "b": (0.0, 60.0)}, 0.0, 0.0)
    assert spans.left({"a": (0.0, 60.0)}, -500.0, 50.0) == {"a": 10.0}
    assert spans.left({"a": (50.0, 110.0), "b": (0.0, 60.0)}, -500.0, 50.0) == {"a": 60.0, "b": 60.0}
