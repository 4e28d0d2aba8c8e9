"""Bad updates of apps with data of five kinds: how many end on the old version with the same data, and how soon.

What is tried is in `bad_updates.py`. The control runs the old image on migrated data, which is what remains where only
the image goes back. Each kind is written down once it is done; `BENCH_PARTS=files,sqlite` tries some of them only (the
others are `lmdb`, `postgresql` and `bitcoin`). Run it with `scripts/bench updates` (about half an hour).
"""

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from report import SMOKE, Figure, limited, plain, report

UPDATES = Path(__file__).with_name("bad_updates.py")
KINDS = {
    "files": "files",
    "sqlite": "SQLite",
    "lmdb": "LMDB",
    "postgresql": "PostgreSQL",
    "bitcoin": "a Bitcoin wallet",
}
"""Part -> how people call that kind of data."""
PARTS = os.environ.get("BENCH_PARTS", "files" if SMOKE else ",".join(KINDS)).split(",")


def tried(part: str) -> list[ElementTree.Element]:
    """Try all updates of one kind of data; return what pytest says of each."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        options = ("-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit1", f"--junitxml={results}")
        pytest.main([*options, "-k", part, str(UPDATES)])
        return ElementTree.parse(results).findall(".//testcase")


def found(kind: str, cases: list[ElementTree.Element]) -> None:
    """Report what was found of one kind of data."""
    passed = [case for case in cases if case.find("failure") is None]
    updates = [case for case in cases if "control" not in str(case.get("name"))]
    good = [case for case in passed if case in updates]
    controls, broken = len(cases) - len(updates), len(passed) - len(good)
    seconds = [float(str(each.get("value"))) for case in good for each in case.iterfind(".//property")]
    whole = Figure(f"bad updates, {kind}: back with the same data", len(good), "", "all", len(good) / len(updates))
    slowest, quickest = max(seconds, default=0), min(seconds, default=1)
    report(
        replace(whole, aim=f"all {len(updates)}", met=len(good) == len(updates)),
        limited(f"slowest, {kind}, until it is healthy again", slowest, "s", ("the quickest", quickest), at_most=60),
        plain(f"control, {kind}, the image alone goes back: runs", controls - broken, "", ("controls", controls)),
    )


def main() -> None:
    """Try all of them and print."""
    if unknown := set(PARTS) - set(KINDS):
        raise SystemExit(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    wrong: list[str] = []
    for part in PARTS:
        cases = tried(part)
        if any(case.find("skipped") is not None for case in cases):
            raise SystemExit("there is no Btrfs here, on which the updates are tried")
        errors = [str(case.get("name")) for case in cases if case.find("error") is not None]
        wrong += errors
        if cases and not errors:
            found(KINDS[part], cases)
    if wrong:
        raise SystemExit(f"{len(wrong)} could not be tried, such as {wrong[0]}")


if __name__ == "__main__":
    main()
