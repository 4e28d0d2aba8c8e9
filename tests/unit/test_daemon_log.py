"""The daemon's log: what is repeated is left out and counted, what is long is cut, and nothing of it raises."""

from hypothesis import given
from hypothesis import strategies as st

from archipelago.support.quiet_log import LogLimit


def test_a_line_that_is_repeated_is_left_out_and_counted() -> None:
    limit = LogLimit(burst=2, pause=10)
    assert [limit.admit("full", 0.0) for _ in range(5)] == [0, 0, None, None, None]
    assert limit.admit("other", 0.0) == 0
    assert limit.admit("full", 10.0) == 3
    assert limit.admit("full", 30.0) == 0


@given(st.lists(st.tuples(st.text(max_size=3), st.floats(0, 60)), max_size=300))
def test_all_lines_together_are_bounded(lines: list[tuple[str, float]]) -> None:
    limit = LogLimit(burst_of_all=20, pause_of_all=1.0)
    passed = sum(limit.admit(kind, now) is not None for kind, now in sorted(lines, key=lambda line: line[1]))
    assert passed <= 20 + 60
