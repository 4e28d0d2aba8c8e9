"""The figures of `catalog.py`, against the time that this machine takes to serialize and hash so much of plain data."""

import hashlib
import json
import statistics
import time
from typing import Protocol

from report import Figure, aimed, limited, plain, report

_ROUNDS = 9
_SPEC = {
    "name": "archipelago-app-1--main",
    "image": f"registry.example/app@sha256:{1:064x}",
    "environment": {f"NAME_{number}": f"value {number}" for number in range(8)},
    "labels": {f"io.archipelago.label-{number}": f"{number:064x}" for number in range(8)},
    "mounts": [{"source": f"/data/apps/app-1/volumes/{number}", "target": f"/data/{number}"} for number in range(4)],
    "networks": {f"archipelago-app-1--app-{number}": {"aliases": ["app-1", "service-1"]} for number in range(4)},
}
PEER = "serialise + hash these"
"""The row that takes what was compiled, and makes nothing but text and a digest of it."""
YARDSTICK = "1,000 specs serialized and hashed"


class Row(Protocol):
    """A row as `catalog.py` measures it."""

    @property
    def what(self) -> str:
        """What was measured."""

    @property
    def median(self) -> float:
        """Milliseconds."""

    @property
    def aim(self) -> float | None:
        """The most that it should take."""


def yardstick() -> float:
    """Return milliseconds to serialize and hash 1,000 small specs, median of some rounds."""
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        for _ in range(1000):
            hashlib.sha256(json.dumps(_SPEC, sort_keys=True).encode()).hexdigest()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def report_rows(rows: list[Row]) -> None:
    """Report all rows."""
    against = (YARDSTICK, yardstick())
    peer = next((row.median for row in rows if row.what == PEER), None)
    report(*(_figure(row, against, peer) for row in rows))


def _figure(row: Row, against: tuple[str, float], peer: float | None) -> Figure:
    if row.what.startswith("resolve + compile") and peer is not None:
        return aimed(row.what, row.median, "ms", (PEER, peer), ratio_at_most=2)
    if row.aim is None:
        return plain(row.what, row.median, "ms", against)
    return limited(row.what, row.median, "ms", against, at_most=row.aim)
