"""Lines of the format in which conmon writes the log of a container. Pure.

That of the Kubernetes CRI: `2026-01-02T03:04:05.123456789+00:00 stdout F text`, with P instead of F where the line goes
on in the next entry.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from archipelago.container.podman_client.models import LogStream
from archipelago.container.podman_client.streams import parse_time

MAX_LINE = 1024 * 1024
"""Bytes of text; a longer line comes in pieces of at least that length."""
_ENTRY = re.compile(rb"(\S+) (stdout|stderr) ([FP]) ?(.*)", re.DOTALL)
_UNFINISHED = timedelta(seconds=1)
"""What is added to a line later than that, such as by the next run of the program, begins one of its own."""


@dataclass(frozen=True, slots=True)
class LogText:
    """One line that a container wrote, without its newline."""

    stream: LogStream
    at: datetime
    text: str


@dataclass(slots=True)
class _Begun:
    """A line whose end has not come."""

    at: datetime
    newest: datetime
    text: bytearray


class LogParser:
    """Makes lines of the bytes of a log, which come in pieces.

    What is no entry is left out: a power cut may leave anything at the end of a file.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._begun: dict[LogStream, _Begun] = {}

    def feed(self, data: bytes) -> list[LogText]:
        """Return the lines that are complete now."""
        found: list[LogText] = []
        *entries, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE:
            self._rest = b""
        for entry in entries:
            if (match := _ENTRY.fullmatch(entry)) is None:
                continue
            at = parse_time(match[1].decode("ascii", "replace"))
            if at is not None:
                self._take(LogStream(match[2].decode()), at, match[4], match[3] == b"F", found)
        return found

    def flush(self) -> list[LogText]:
        """Return what was written without a newline until now; what follows is a line of its own."""
        found = [_line(stream, begun.at, begun.text) for stream, begun in self._begun.items()]
        self._begun.clear()
        return found

    def _take(self, stream: LogStream, at: datetime, text: bytes, ends: bool, found: list[LogText]) -> None:
        begun = self._begun.pop(stream, None)
        if begun is not None and at - begun.newest > _UNFINISHED:
            found.append(_line(stream, begun.at, begun.text))
            begun = None
        if begun is None:
            begun = _Begun(at, at, bytearray())
        begun.newest = at
        begun.text += text
        if ends or len(begun.text) >= MAX_LINE:
            found.append(_line(stream, begun.at, begun.text))
        else:
            self._begun[stream] = begun


def _line(stream: LogStream, at: datetime, text: bytearray) -> LogText:
    return LogText(stream, at, text.decode("utf-8", "replace").removesuffix("\r"))
