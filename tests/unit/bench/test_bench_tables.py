"""The tables of bench/README.md are written by the benches, whatever these print."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from support.checkout import CHECKOUT

README = CHECKOUT / "bench" / "README.md"
NAMES = re.findall(r"^(?:all|long)='(.*?)'", (CHECKOUT / "scripts" / "bench").read_text(), re.MULTILINE)
FIGURE = {
    "what": "a thing",
    "value": 58.04,
    "unit": "ms",
    "against": "a peer",
    "ratio": 1.2093,
    "aim": "≤ 1.25 x",
    "met": True,
}


def module(name: str) -> ModuleType:
    """Load a program of the benches, which is no module of the tests."""
    spec = importlib.util.spec_from_file_location(f"bench_{name}", CHECKOUT / "bench" / f"{name}.py")
    assert spec and spec.loader
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


def test_each_bench_has_a_place_for_its_table_and_no_table_is_written_by_hand() -> None:
    assert len(NAMES) == 2
    text = README.read_text()
    for name in " ".join(NAMES).split():
        text = module("table").replaced(text, name, "")
    assert not [line for line in text.splitlines() if line.startswith("|")]


def test_a_table_says_commit_day_and_machine_and_each_row_its_ratio() -> None:
    where = f"2 cores ({'x' * 100}), Python 3.11.2"
    text = module("table").table(json.dumps(FIGURE) + "\n", "abc1234", "1 May 2026", where)
    assert text.startswith(f"Commit abc1234, 1 May 2026, {where}.\n\n|")
    assert "| a thing | 58 ms | 1.21 x | a peer | ≤ 1.25 x | met |" in text
    missed = module("table").row(FIGURE | {"value": 1234567.0, "ratio": 0.00004, "met": False})
    assert "| 1,234,567 ms | 0.00004 x |" in missed and "**missed**" in missed
    assert module("table").row(FIGURE | {"aim": "", "met": None}).endswith("|  |  |\n")


def test_only_the_named_table_is_replaced_and_a_missing_place_is_said() -> None:
    readme = "x\n<!-- a: written by scripts/bench -->\nold\n<!-- a: end -->\ny\n"
    replaced = module("table").replaced
    new = replaced(readme, "a", "new\n")
    assert new == readme.replace("old", "new") and replaced(new, "a", "old\n") == readme
    with pytest.raises(SystemExit, match="no place for the table of b"):
        replaced(readme, "b", "new\n")


def test_what_was_not_measured_again_stays_with_its_commit() -> None:
    tables, rows = module("table"), [json.dumps(FIGURE | {"what": what}) + "\n" for what in "abc"]
    old = tables.table("".join(rows[:2]), "old", "1 May 2026", "2 cores")
    new = tables.table("".join(rows[1:]), "new", "2 May 2026", "2 cores")
    both = new + tables.left(old, new)
    assert re.findall(r"Commit (\w+)|^\| (\w) \|", both, re.MULTILINE) == [
        *(("new", ""), ("", "b"), ("", "c"), ("old", ""), ("", "a"))
    ]
    newest = tables.table("".join(rows), "newest", "3 May 2026", "2 cores")
    assert tables.left(both, newest) == "" and tables.left("", newest) == ""
    readme = f"<!-- a: written by scripts/bench -->\n{both}<!-- a: end -->\n"
    assert tables.written(readme, "a") == both


@pytest.mark.parametrize("hostile", ["a | b", "a\nb\n# c", "<!-- a: end -->", "\x1b[2J", "x" * 10_000])
def test_a_figure_is_never_more_than_a_cell(hostile: str) -> None:
    line = module("table").row(FIGURE | {"what": hostile, "unit": hostile})
    assert line.count("|") == 7 and line.count("\n") == 1
    assert "<!--" not in line and "\x1b" not in line and len(line) < 400


def test_two_commits_are_compared_round_by_round(tmp_path: Path) -> None:
    for turn, (here, there) in enumerate([(2.0, 1.0), (3.0, 2.0), (9.0, 3.0)]):
        for side, value in (("here", here), ("there", there)):
            changes = ({"value": value}, {"what": f"only {side}"}, {"what": "none", "value": 0})
            (tmp_path / f"{turn}.{side}").write_text("".join(json.dumps(FIGURE | each) + "\n" for each in changes))
    compare = module("compare")
    assert compare.ratios(tmp_path) == {"a thing": [2.0, 1.5, 3.0]}
    assert compare.lines(compare.ratios(tmp_path))[1].split() == ["a", "thing", "2.000", "1.500", "3.000"]
