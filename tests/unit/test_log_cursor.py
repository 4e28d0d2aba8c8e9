"""No line of a log is read twice or left out when the log is opened again, as far as its times tell."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.log_cursor import LogCursor
from archipelago.container.podman_client.models import LogLine, LogStream

NOW = datetime(2026, 1, 2, 3, 4, 5, 600000, tzinfo=UTC)


def line(text: str, at: float = 0, stream: LogStream = LogStream.STDOUT) -> LogLine:
    return LogLine(stream, NOW + timedelta(seconds=at), text)


def read(cursor: LogCursor, log: list[LogLine]) -> list[LogLine]:
    """Read what Podman gives for the cursor's `since`, which it takes in whole seconds."""
    since = cursor.since
    start = None if since is None else since.replace(microsecond=0)
    found = []
    for each in log:
        if (start is None or (each.time is not None and each.time > start)) and cursor.is_new(each):
            cursor.take(each)
            found.append(each)
    return found


@given(
    steps=st.lists(st.tuples(st.sampled_from([0, 0, 0.0001, 0.4, 3]), st.sampled_from("ab")), max_size=30),
    cuts=st.lists(st.integers(0, 30)),
)
def test_every_line_comes_once_wherever_the_stream_breaks(steps: list[tuple[float, str]], cuts: list[int]) -> None:
    at, log = 0.0, []
    for step, text in steps:
        at += step
        log.append(line(text, at))
    cursor = LogCursor()
    found: list[LogLine] = []
    for cut in sorted(cuts):
        cursor.reopen()
        found += read(cursor, log[:cut])
    cursor.reopen()
    found += read(cursor, log)
    assert found == log


def test_lines_of_one_time_that_were_before_the_tail_stay_unread() -> None:
    cursor = LogCursor()
    cursor.take(line("c"))
    cursor.reopen()
    assert read(cursor, [line("a", -2), line("a"), line("b"), line("c"), line("d")]) == [line("d")]


def test_a_line_that_ended_late_on_the_other_stream_is_new() -> None:
    cursor = LogCursor()
    cursor.take(line("quick", 1))
    late = line("slow", 0.5, LogStream.STDERR)
    assert cursor.is_new(late)


def test_a_new_container_begins_a_new_log() -> None:
    cursor = LogCursor()
    cursor.take(line("of the old one"))
    cursor.reopen()
    assert read(cursor, [line("of the old one", 0.1)]) == [line("of the old one", 0.1)]
