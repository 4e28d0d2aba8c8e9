"""What a lane writes down for whoever reports."""

from pathlib import Path

from lanes.records import Collected, ModuleDone, Reported, Tail, from_line, reports_of, to_line


def test_a_line_that_is_being_written_is_read_once_it_is_whole(tmp_path: Path) -> None:
    reports_of(tmp_path, 1).parent.mkdir()
    path = reports_of(tmp_path, 1)
    tail = Tail(path)
    assert list(tail.records()) == [], "a lane that has not begun has said nothing"
    records = [Collected(["a::b"]), Reported({"when": "call"}), ModuleDone("a", 1.0, 0.5)]
    text = "".join(map(to_line, records))
    assert [from_line(line) for line in text.splitlines()] == records
    found = []
    with path.open("a") as file:
        for part in (text[:10], text[10:40], text[40:]):
            file.write(part)
            file.flush()
            found += list(tail.records())
    assert found == records
