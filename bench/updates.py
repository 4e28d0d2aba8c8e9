"""Bad updates of apps with data of five kinds: how many end on the old version with the same data, and how soon.

What is tried is in `bad_updates.py`. The control runs the old image on migrated data, which is what remains where only
the image goes back. Run it with `scripts/bench updates` (about half an hour).
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from report import Figure, limited, plain, report

UPDATES = Path(__file__).with_name("bad_updates.py")


def main() -> None:
    """Try all of them and print."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        options = ("-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit1", f"--junitxml={results}")
        pytest.main([*options, str(UPDATES)])
        cases = ElementTree.parse(results).findall(".//testcase")
    if any(case.find("skipped") is not None for case in cases):
        raise SystemExit("there is no Btrfs here, on which the updates are tried")
    if wrong := [str(case.get("name")) for case in cases if case.find("error") is not None]:
        raise SystemExit(f"{len(wrong)} could not be tried, such as {wrong[0]}")
    passed = [case for case in cases if case.find("failure") is None]
    updates = [case for case in cases if "control" not in str(case.get("name"))]
    good = [case for case in passed if case in updates]
    controls, broken = len(cases) - len(updates), len(passed) - len(good)
    seconds = [float(str(each.get("value"))) for case in good for each in case.iterfind(".//property")]
    whole = Figure(
        f"{len(updates)} bad updates: back with the same data", len(good), "", "all", len(good) / len(updates)
    )
    slowest, quickest = max(seconds, default=0), min(seconds, default=1)
    report(
        replace(whole, aim="all", met=len(good) == len(updates)),
        limited("slowest of them, until it is healthy again", slowest, "s", ("the quickest", quickest), at_most=60),
        plain("control, the image alone goes back: runs", controls - broken, "", ("kinds of data", controls)),
    )


if __name__ == "__main__":
    main()
