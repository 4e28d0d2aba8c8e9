"""The figures of `catalog.py`, against the time that it takes to serialise and hash what was compiled."""

from typing import Protocol

from report import aimed, limited, plain, report

PEER = "serialise + hash these"
"""The row that makes nothing of what was compiled but text and a digest of it."""


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


def report_rows(rows: list[Row], turns: tuple[float, float]) -> None:
    """Report all rows, one of which is the peer's, and the processor time of the whole and of the peer, in turn."""
    peer = (PEER, next(row.median for row in rows if row.what == PEER))
    for row in rows:
        if row.aim is None:
            report(plain(row.what, row.median, "ms", peer))
        else:
            report(limited(row.what, row.median, "ms", peer, at_most=row.aim))
        if row.what.startswith("resolve + compile"):
            whole, least = turns
            what = f"{row.what}, processor time at best, in turn with its peer"
            report(aimed(what, whole, "ms", (PEER, least), ratio_at_most=2))
