"""What a measurement found: printed for whoever looks on, and written down for the tables of README.md.

Each figure has a ratio to something that was measured in the same run: a peer that does the same, or a calibration.
Times differ between machines and hours; ratios are what can be compared.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

SMOKE = bool(os.environ.get("BENCH_SMOKE"))
"""Run through everything once and as small as can be, to see that it works; what it finds says nothing."""


def size(full: int, smoke: int, variable: str | None = None) -> int:
    """Return how much is measured: as the variable says, else in full, or the least there is."""
    if variable is not None and (given := os.environ.get(variable)):
        return int(given)
    return smoke if SMOKE else full


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of a table."""

    what: str
    value: float
    unit: str
    against: str
    """What the ratio is to: a peer, a calibration, or the whole of which this is a part."""
    ratio: float
    aim: str = ""
    """In words; empty where there is none."""
    met: bool | None = None


def aimed(what: str, value: float, unit: str, against: tuple[str, float], *, ratio_at_most: float) -> Figure:
    """Return a figure whose ratio to something is to be no larger than that."""
    name, peer = against
    ratio = value / peer
    return Figure(what, value, unit, name, ratio, f"≤ {ratio_at_most:g} x", ratio <= ratio_at_most)


def limited(what: str, value: float, unit: str, against: tuple[str, float], *, at_most: float) -> Figure:
    """Return a figure that is itself to be no larger than that."""
    name, peer = against
    return Figure(what, value, unit, name, value / peer, f"≤ {at_most:g} {unit}", value <= at_most)


def plain(what: str, value: float, unit: str, against: tuple[str, float]) -> Figure:
    """Return a figure without an aim."""
    name, peer = against
    return Figure(what, value, unit, name, value / peer)


def report(*figures: Figure) -> None:
    """Print figures, and write them to the file that `BENCH_RESULTS` names, if it does."""
    for figure in figures:
        verdict = "" if figure.met is None else f" (aim {figure.aim}: {'met' if figure.met else 'MISSED'})"
        print(
            f"{figure.what}: {figure.value:.4g} {figure.unit}, {figure.ratio:.3g} x {figure.against}{verdict}",
            flush=True,
        )
    if name := os.environ.get("BENCH_RESULTS"):
        with Path(name).open("a") as file:
            file.writelines(json.dumps(asdict(figure)) + "\n" for figure in figures)
