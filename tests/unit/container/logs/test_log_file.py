"""A log is read whole and once: over pieces, long lines, a new file in the place of the old one, and rubbish."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.logs.file import LogFile, last_lines, make_ready
from archipelago.container.logs.parser import MAX_LINE, LogParser, LogText
from archipelago.container.podman_client.models import LogStream
from archipelago.errors import NodeError

NOW = datetime(2026, 1, 2, 3, 4, 5, 600000, tzinfo=UTC)
OUT, ERR = LogStream.STDOUT, LogStream.STDERR
LINES = st.lists(st.tuples(st.sampled_from([OUT, ERR]), st.text().filter(lambda text: not set(text) & {"\n", "\r"})))
SIZES = st.lists(st.integers(1, 60), min_size=1)


def entry(text: str, at: float = 0, stream: LogStream = OUT, tag: str = "F") -> bytes:
    """Return what conmon writes."""
    time = (NOW + timedelta(seconds=at)).isoformat(timespec="microseconds").replace("+", "789+")
    return f"{time} {stream.value} {tag} {text}\n".encode()


def texts(lines: list[LogText]) -> list[str]:
    return [line.text for line in lines]


def entries(lines: list[tuple[LogStream, str]], length: int = 8) -> bytes:
    """Return lines as conmon writes them, long ones in pieces; the two streams take turns."""
    found = b""
    for number, (stream, text) in enumerate(lines):
        pieces = [text[at : at + length] for at in range(0, len(text), length)] or [""]
        for piece in pieces[:-1]:
            found += entry(piece, number, stream, "P")
        found += entry(pieces[-1], number, stream)
    return found


@given(LINES, SIZES)
def test_lines_come_out_as_they_were_written_however_the_bytes_come(
    lines: list[tuple[LogStream, str]], sizes: list[int]
) -> None:
    parser, data, found = LogParser(), entries(lines), []
    while data:
        size = sizes[len(found) % len(sizes)]
        found += parser.feed(data[:size])
        data = data[size:]
    assert [(line.stream, line.text) for line in found] == lines
    assert [line.at for line in found] == [NOW + timedelta(seconds=number) for number in range(len(lines))]
    assert parser.flush() == []


@given(st.lists(st.one_of(st.binary(), st.just(entry("a")), st.just(entry("b", tag="P")))))
def test_rubbish_is_left_out(pieces: list[bytes]) -> None:
    parser = LogParser()
    found = [line for piece in pieces for line in parser.feed(piece)]
    # A piece with no newline at its end spoils the entry behind it.
    assert len(found) >= sum(
        piece == entry("a") and (number == 0 or pieces[number - 1][-1:] == b"\n") for number, piece in enumerate(pieces)
    )


def test_a_line_in_several_entries_has_the_time_of_its_beginning() -> None:
    data = entry("part", 0, OUT, "P") + entry("err", 0.1, ERR) + entry("ial", 0.3, OUT)
    assert LogParser().feed(data) == [
        LogText(ERR, NOW + timedelta(seconds=0.1), "err"),
        LogText(OUT, NOW, "partial"),
    ]


def test_what_an_ended_program_left_unfinished_is_not_joined_to_the_next_one_s_words() -> None:
    assert texts(LogParser().feed(entry("password: ", 0, OUT, "P") + entry("hello", 5))) == ["password: ", "hello"]


def test_what_a_power_cut_left_spoils_no_later_line() -> None:
    assert texts(LogParser().feed(b"\0" * 50 + entry("a") + b"\0\n" + entry("b"))) == ["a", "b"]


def test_a_line_without_end_comes_in_pieces() -> None:
    parser = LogParser()
    piece = entry("x" * 8192, tag="P")
    found = [line for _ in range(2 * MAX_LINE // 8192) for line in parser.feed(piece)]
    assert [len(line.text) for line in found] == [MAX_LINE, MAX_LINE]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "main.log"


def reader(path: Path, redact: Callable[[str], str] = str) -> LogFile:
    return LogFile(path, redact)


def add(path: Path, *lines: str) -> None:
    with path.open("ab") as file:
        file.write(b"".join(map(entry, lines)))


def replace(path: Path, *lines: str) -> None:
    """Begin a new file, as conmon does when the old one is large."""
    fresh = path.with_suffix(".tmp")
    add(fresh, *lines)
    fresh.replace(path)


def test_a_log_is_followed_from_before_it_is_there(path: Path) -> None:
    log = reader(path)
    assert log.last(5) == [] and log.next() is None
    add(path, "a", "b")
    assert texts(log.next() or []) == ["a", "b"]
    assert log.next() is None
    add(path, "c")
    assert texts(log.next() or []) == ["c"]
    log.close()


def test_of_a_log_that_is_replaced_nothing_is_lost(path: Path) -> None:
    add(path, "a")
    log = reader(path)
    assert texts(log.last(5)) == ["a"]
    add(path, "written just before")
    replace(path, "b")
    assert [*texts(log.next() or []), *texts(log.next() or [])] == ["written just before", "b"]
    add(path, "c")
    assert texts(log.next() or []) == ["c"]
    path.unlink()
    assert log.next() is None
    add(path, "d")
    assert texts(log.next() or []) == ["d"]
    log.close()


def test_a_log_that_somebody_emptied_is_read_from_its_beginning(path: Path) -> None:
    add(path, "a" * 100)
    log = reader(path)
    log.last(1)
    path.write_bytes(b"")
    assert log.next() is None
    add(path, "b")
    assert texts(log.next() or []) == ["b"]
    log.close()


def test_half_an_entry_waits_for_its_other_half(path: Path) -> None:
    whole = entry("whole")
    path.write_bytes(entry("first") + whole[:40])
    log = reader(path)
    assert texts(log.last(1)) == ["first"]
    with path.open("ab") as file:
        file.write(whole[40:])
    assert texts(log.next() or []) == ["whole"]
    log.close()


@pytest.mark.parametrize("length", [1, 300])
@pytest.mark.parametrize("count", [0, 1, 7, 1499, 1500, 1600])
def test_the_last_lines_are_found_from_the_end(path: Path, count: int, length: int) -> None:
    lines = [f"{number} {'x' * length}" for number in range(1500)]
    path.write_bytes(entries([(OUT, line) for line in lines], 100))
    log = reader(path)
    assert texts(log.last(count)) == lines[max(0, len(lines) - count) :]
    assert log.next() is None
    add(path, "new")
    assert texts(log.next() or []) == ["new"]
    log.close()


def test_a_reader_of_no_line_begins_behind_the_last_one(path: Path) -> None:
    path.write_bytes(entry("endless ", tag="P") * 8)
    log = reader(path)
    assert log.last(0) == []
    add(path, "end")
    assert texts(log.next() or []) == ["endless " * 8 + "end"]
    log.close()


def test_an_unfinished_line_is_among_the_last(path: Path) -> None:
    path.write_bytes(entry("a") + entry("b") + entry("password: ", tag="P"))
    assert texts(last_lines(path, str, 2)) == ["b", "password: "]
    assert last_lines(path.with_name("none"), str, 2) == []


def test_a_line_of_which_a_piece_alone_was_written_is_not_no_line(path: Path) -> None:
    add(path, "a")
    log = reader(path)
    log.last(1)
    with path.open("ab") as file:
        file.write(b"\n" * 10)
    assert log.next() == [] and log.next() is None
    log.close()


@pytest.mark.parametrize(
    ("left", "kept"),
    [
        (b"", []),
        (entry("whole"), ["whole"]),
        (entry("half")[:-9], []),
        (entry("unfinished", tag="P"), ["unfinished"]),
        (entry("out", tag="P") + entry("err", 0, ERR, "P") + b"\0\0", ["out", "err"]),
    ],
)
def test_what_a_run_left_is_not_joined_to_the_words_of_the_next_one(path: Path, left: bytes, kept: list[str]) -> None:
    path.write_bytes(entry("first") + left)
    log = reader(path)
    log.last(1)
    make_ready(path, 1000)
    make_ready(path, 1000)
    add(path, "next")
    assert texts(log.next() or [])[-1] == "next"
    log.close()
    assert texts(last_lines(path, str, 100)) == ["first", *kept, "next"]


def test_a_log_that_is_full_is_begun_anew_and_one_that_is_not_there_is_no_fault(path: Path) -> None:
    path = path.parent / "app" / "main.log"
    make_ready(path, 1000)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    add(path, "a" * 1000)
    log = reader(path)
    log.last(0)
    make_ready(path, 1000)
    add(path, "b")
    assert texts(log.next() or []) == ["b"]
    log.close()


def test_a_log_that_cannot_be_read_or_made_is_told_of(path: Path) -> None:
    path.mkdir()
    with pytest.raises(NodeError, match=path.name):
        last_lines(path, str, 1)
    with pytest.raises(NodeError, match=path.name):
        reader(path).next()
    place = path.parent / "file"
    place.touch()
    with pytest.raises(NodeError, match=r"main\.log"):
        make_ready(place / "main.log", 1000)


def test_no_secret_is_passed_on(path: Path) -> None:
    add(path, "the key is 12345678")
    log = reader(path, lambda text: text.replace("12345678", "***"))
    assert texts(log.last(1)) == ["the key is ***"]
    with path.open("ab") as file:
        file.write(entry("12345678", tag="P"))
    log.next()
    assert texts(log.rest()) == ["***"]
    log.close()


def replaced(path: Path, data: bytes) -> None:
    """Begin another file in the place of a log, as conmon does."""
    (new := path.with_suffix(".new")).write_bytes(data)
    new.replace(path)


def test_files_that_conmon_puts_away_are_read_by_who_watches(tmp_path: Path) -> None:
    path = tmp_path / "main.log"
    path.write_bytes(entry("0"))
    file = LogFile(path, lambda text: text)
    assert texts(file.last(10)) == ["0"]
    for number in range(1, 4):
        replaced(path, entry(str(number)))
        file.watch()
    found = [line for _ in range(4) for line in file.next() or []]
    assert (texts(found), [line.missing for line in found]) == (["1", "2", "3"], [0, 0, 0])
    assert file.next() is None
    file.close()


def test_of_what_is_let_go_each_line_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "main.log"
    path.write_bytes(entry("read") + entry("begun", tag="P") + entry("half")[:20])
    file = LogFile(path, lambda text: text)
    assert texts(file.last(10)) == ["read"]
    with path.open("ab") as growing:
        growing.write(entry("half")[20:] + entry("more") * 7 + entry("piece", tag="P") + entry("end"))
    for number in range(10):
        replaced(path, entry(f"file {number}") + entry("second"))
        file.watch()
    assert len(list(Path("/proc/self/fd").iterdir())) < 100
    found = [line for _ in range(9) for line in file.next() or []]
    # 'half', seven more and 'end'; of the ten files four are kept.
    assert (texts(found)[0], found[0].missing) == ("file 6", 9 + 6 * 2)
    assert [line.missing for line in found[1:]] == [0] * 7
    assert file.next() is None
    file.close()
