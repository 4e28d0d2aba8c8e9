"""What a lane writes, one JSON object a line: everything that whoever reports for all lanes must know."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Collected:
    """The tests that the lane has found; every lane finds the same."""

    ids: list[str]


@dataclass(frozen=True, slots=True)
class Reported:
    """One report, as pytest serializes it."""

    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ModuleDone:
    """A module of tests has ended, its fixtures included."""

    path: str
    seconds: float
    cpu: float
    """Seconds of processor time of everything that ran in the instance meanwhile."""


Record = Collected | Reported | ModuleDone
_KINDS: dict[str, type[Record]] = {kind.__name__: kind for kind in (Collected, Reported, ModuleDone)}


def to_line(record: Record) -> str:
    """Return a record as one line."""
    return json.dumps({"kind": type(record).__name__, **asdict(record)}) + "\n"


def from_line(line: str) -> Record:
    """Return the record of a line."""
    fields = json.loads(line)
    return _KINDS[fields.pop("kind")](**fields)


def reports_of(folder: Path, lane: int) -> Path:
    """Return the file into which a lane writes."""
    return folder / "reports" / f"{lane}.jsonl"


class Tail:
    """Reads the records that a lane has written since the last time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0

    def records(self) -> Iterator[Record]:
        """Return the new records; a line that is being written comes the next time."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._read)
                text = file.read()
        except FileNotFoundError:
            return
        for line in text.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                return
            self._read += len(line)
            yield from_line(line.decode())
