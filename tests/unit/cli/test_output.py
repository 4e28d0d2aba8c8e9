"""How the command words times, lines of logs and what might take over a terminal."""

import pytest

from archipelago.cli.output import clean, duration
from archipelago.cli.views import log_line


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "less than a minute"),
        (29, "less than a minute"),
        (31, "1 min"),
        (3569, "59 min"),
        (3599, "1 h"),
        (5400, "1 h 30 min"),
        (86399, "1 day"),
        (90000, "1 day 1 h"),
        (777600, "9 days"),
    ],
)
def test_times_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-29T08:00:00Z UpdateTip: new best", "main 2026-11-29T08:00:00Z UpdateTip: new best"),
        ("[2026-11-29 08:00:00,123] INFO x", "main [2026-11-29 08:00:00,123] INFO x"),
        ("2026/11/29 08:00:00 [notice] x", "main 2026/11/29 08:00:00 [notice] x"),
        ("height 2026-11-29 of 3", "2026-11-29T08:00:01+00:00 main height 2026-11-29 of 3"),
        ("", "2026-11-29T08:00:01+00:00 main "),
    ],
)
def test_a_line_of_a_log_has_one_time(text: str, shown: str) -> None:
    assert log_line({"at": "2026-11-29T08:00:01+00:00", "container": "main", "text": text}) == shown


def test_control_characters_are_made_visible() -> None:
    assert clean("a\x1b[2J\u202eb\x9b\x00\tc\n") == "a\\x1b[2J\\x202eb\\x9b\\x00\tc\n"
