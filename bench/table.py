"""Writes what a measurement found into its table in README.md, with the commit, the day and the machine.

`scripts/bench` calls it as root, so it imports nothing of a package, and lets no figure be more than a cell:
`python -I table.py README NAME COMMIT PARTS`, with the figures as input, one JSON object a line. Where `PARTS` is not
empty, only they were measured, and what was found of the others stays below, with its own commit and day.
"""

import json
import os
import platform
import re
import sys
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

_HEAD = "| | figure | ratio | to | aim | |\n|---|---|---|---|---|---|\n"
_VERDICTS = {None: "", True: "met", False: "**missed**"}
_LONGEST = 120


def cell(value: object, longest: int = _LONGEST) -> str:
    """Return a text that cannot be anything but a cell of a table."""
    text = "".join(letter for letter in str(value)[:longest] if not unicodedata.category(letter).startswith("C"))
    return text.replace("|", "/").replace("<", "(").replace(">", ")")


def number(value: float) -> str:
    """Return a number with three digits that count, and none in the form of an exponent."""
    if value == 0 or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 else f"{value:.5f}"


def row(figure: dict[str, object]) -> str:
    """Return one line of the table."""
    value, ratio = float(str(figure["value"])), float(str(figure["ratio"]))
    shown = f"{number(value)} {cell(figure['unit'])}".strip()
    verdict = _VERDICTS[None if figure["met"] is None else bool(figure["met"])]
    cells = (cell(figure["what"]), shown, f"{number(ratio)} x", cell(figure["against"]), cell(figure["aim"]), verdict)
    return f"| {' | '.join(cells)} |\n"


def machine() -> str:
    """Return what the figures were taken on."""
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return (
        f"{os.cpu_count()} cores ({model[1] if model else platform.machine()}), {memory:.0f} GiB, {system}, "
        f"Linux {platform.release()}, Python {platform.python_version()}"
    )


def table(results: str, commit: str, today: str, where: str) -> str:
    """Return the text between the marks."""
    rows = "".join(row(json.loads(line)) for line in results.splitlines())
    return f"Commit {cell(commit)}, {today}, {cell(where, 2 * _LONGEST)}.\n\n{_HEAD}{rows}"


def replaced(readme: str, name: str, text: str) -> str:
    """Return the README with another text between the marks of a measurement."""
    begin, end = f"<!-- {name}: written by scripts/bench -->\n", f"<!-- {name}: end -->"
    if readme.count(begin) != 1 or readme.count(end) != 1:
        raise SystemExit(f"bench/README.md: there is no place for the table of {name}: {begin.strip()} … {end}")
    before, _, rest = readme.partition(begin)
    return f"{before}{begin}{text}{end}{rest.partition(end)[2]}"


def written(readme: str, name: str) -> str:
    """Return what is between the marks of a measurement."""
    _, _, rest = readme.partition(f"<!-- {name}: written by scripts/bench -->\n")
    return rest.partition(f"<!-- {name}: end -->")[0]


def left(before: str, new: str) -> str:
    """Return the tables of an earlier time without the rows that are in a new one; a table without rows is left out."""
    measured = {line.split("|")[1] for line in _rows(new)}
    tables = []
    for text in re.split(r"^(?=Commit )", before, flags=re.MULTILINE)[1:]:
        rows = [line for line in _rows(text) if line.split("|")[1] not in measured]
        if rows:
            tables.append(f"\n{text.partition(_HEAD)[0]}{_HEAD}{''.join(rows)}")
    return "".join(tables)


def _rows(text: str) -> list[str]:
    return [line for line in text.replace(_HEAD, "").splitlines(keepends=True) if line.startswith("|")]


def main(readme: Path, name: str, commit: str, parts: str) -> None:
    """Write one table."""
    before = readme.read_text()
    text = table(sys.stdin.read(), commit, f"{datetime.now(UTC):%d %B %Y}".lstrip("0"), machine())
    readme.write_text(replaced(before, name, text + (left(written(before, name), text) if parts else "")))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:5])
