"""Spans of the wall clock, which may be set at any time."""

from hypothesis import given
from hypothesis import strategies as st

from archipelago.support.wall_spans import remaining

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
