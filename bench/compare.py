"""Compares two commits, measured in turn: for each figure the ratio of one to the other in each round, and its spread.

`scripts/bench-compare` calls it as root, so it imports nothing of a package: `python -I compare.py FOLDER`, in which
there is `ROUND.here` and `ROUND.there` for each round.
"""

import json
import statistics
import sys
import unicodedata
from pathlib import Path

Rounds = dict[str, list[float]]
"""Figure -> its ratio, here to there, in each round."""


def read(path: Path) -> dict[str, float]:
    """Return the figures of one run by what they are of."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return {str(figure["what"]): float(figure["value"]) for figure in found}


def ratios(folder: Path) -> Rounds:
    """Return the ratios of all figures that both commits have and that are not nothing."""
    rounds: Rounds = {}
    for path in sorted(folder.glob("*.here")):
        here, there = read(path), read(path.with_suffix(".there"))
        for what, value in here.items():
            if there.get(what):
                rounds.setdefault(what, []).append(value / there[what])
    return rounds


def lines(rounds: Rounds) -> list[str]:
    """Return what is printed: median, least and most."""
    found = [f"{'here : there':60} {'median':>8} {'least':>8} {'most':>8}"]
    for what, values in rounds.items():
        title = "".join(letter for letter in what if not unicodedata.category(letter).startswith("C"))
        found.append(f"{title:60} {statistics.median(values):8.3f} {min(values):8.3f} {max(values):8.3f}")
    return found


if __name__ == "__main__":
    print("\n".join(lines(ratios(Path(sys.argv[1])))))
