"""How far an image is, and how far a pull is, from the lines that Podman prints. Pure.

Podman names no sizes and no totals, so these are estimates for a progress bar. They end below 100 %.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

_BLOB = re.compile(r"^Copying blob (?:sha256:)?([0-9a-f]{12,64})(?P<copied>.*\b(?:done|skipped)\b)?")
_MILESTONES = (
    ("Trying to pull ", 1.0),
    ("Getting image source signatures", 5.0),
    ("Copying config ", 90.0),
    ("Writing manifest ", 94.0),
    ("Storing signatures", 97.0),
)
_BLOBS_FROM, _BLOBS_TO = 5.0, 90.0


@dataclass(frozen=True, slots=True)
class PullProgress:
    """What the lines of a pull have said so far: which blobs (layers, by digest) were started and which are copied.

    A blob that was started counts half. One more is expected than were seen, as Podman gives no number.
    """

    seen: frozenset[str] = frozenset()
    copied: frozenset[str] = frozenset()
    percent: float = 0.0

    def after(self, line: str) -> "PullProgress":
        """Return the progress after one more line."""
        if found := _BLOB.match(line):
            seen = self.seen | {found[1]}
            copied = self.copied | {found[1]} if found["copied"] else self.copied
            share = (len(seen) + len(copied)) / 2 / (len(seen) + 1)
            percent = _BLOBS_FROM + (_BLOBS_TO - _BLOBS_FROM) * share
            return PullProgress(seen, copied, max(self.percent, round(percent, 1)))
        reached = max((percent for start, percent in _MILESTONES if line.startswith(start)), default=0.0)
        return replace(self, percent=max(self.percent, reached))


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """How far an image is: what is done now, and how much of the whole in percent, where that is known."""

    text: str
    percent: float | None = None


OnProgress = Callable[[FetchProgress], None]
"""Receives the progress of an image."""


def scaled(report: OnProgress, first: float, last: float) -> OnProgress:
    """Return a way to report the progress of a part: its 0 to 100 % are `first` to `last` % of the whole."""

    def report_part(progress: FetchProgress) -> None:
        percent = first if progress.percent is None else first + (last - first) * progress.percent / 100
        report(FetchProgress(progress.text, percent))

    return report_part
