"""Where in a log its reader is: tells new lines from those that come again when it is opened anew. Pure."""

from collections import Counter
from datetime import datetime, timedelta

from archipelago.container.podman_client.models import LogLine, LogStream

_MARGIN = timedelta(seconds=1)
"""Podman takes whole seconds, and leaves out a line of exactly that time."""


class LogCursor:
    """Remembers the newest time that was read, and the lines of that time.

    Podman's times tell lines apart to the microsecond, and many lines that were written at once share one; so lines of
    the newest time are counted by their text. A log is written in the order of its times: once the lines of the newest
    time have come again, or a later one comes, everything is new.
    """

    def __init__(self) -> None:
        self._newest: datetime | None = None
        self._at_newest: Counter[tuple[LogStream, str]] = Counter()
        self._awaited: Counter[tuple[LogStream, str]] = Counter()
        """Lines of the newest time that have not come again; while there are any, what comes is old."""

    @property
    def since(self) -> datetime | None:
        """From when to open the log; None for its beginning."""
        return None if self._newest is None else self._newest - _MARGIN

    def reopen(self) -> None:
        """Say that the lines which come next may have been read before."""
        self._awaited = Counter(self._at_newest)

    def is_new(self, line: LogLine) -> bool:
        """Tell whether the next line of the log was never taken."""
        if line.time is None or self._newest is None or line.time > self._newest:
            return True
        if not self._awaited:
            # Perhaps of an earlier time: begun before, and ended after, one on the other stream.
            return True
        key = (line.stream, line.text)
        if line.time == self._newest and key in self._awaited:
            self._awaited -= Counter([key])  # what falls to zero is dropped
        return False

    def take(self, line: LogLine) -> None:
        """Remember a line that was new."""
        if line.time is None:
            return
        if self._newest is None or line.time > self._newest:
            self._newest = line.time
            self._at_newest = Counter()
            self._awaited = Counter()
        if line.time == self._newest:
            self._at_newest[line.stream, line.text] += 1
