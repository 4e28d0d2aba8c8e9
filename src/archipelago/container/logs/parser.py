"""Lines of the format in which conmon writes the log of a container. Pure.

That of the Kubernetes CRI: `2026-01-02T03:04:05.123456789+00:00 stdout F text`, with P instead of F where the line goes
on in the next entry.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from archipelago.container.podman_client.models import LogStream
from archipelago.container.podman_client.wire.streams import parse_time

MAX_LINE = 64 * 1024
"""Bytes of text; a longer line comes in pieces of at least that length."""
_MAX_ENTRY = 1024 * 1024
"""Bytes; conmon's own entries have some eight thousand."""
_ENTRY = re.compile(rb"(\S+) (stdout|stderr) ([FP]) ?(.*)", re.DOTALL)
_END_OF_LINE = re.compile(rb"^\S+ (?:stdout|stderr) F", re.MULTILINE)
UNFINISHED = timedelta(seconds=1)
"""What is added to a line later than that, such as to a prompt, starts one of its own."""


@dataclass(frozen=True, slots=True)
class LogText:
    """One line that a container wrote, without its newline."""

    stream: LogStream
    at: datetime
    text: str
    missing: int = 0
    """Lines that were written before it and since the one before, and could not be read in time."""


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
        if len(self._rest) > _MAX_ENTRY:
            self._rest = b""
        for entry in entries:
            # A power cut may leave zeros where an entry was to be.
            if (match := _ENTRY.fullmatch(entry.lstrip(b"\0"))) is None:
                continue
            at = parse_time(match[1].decode("ascii", "replace"))
            if at is not None:
                self._take(LogStream(match[2].decode()), at, match[4], match[3] == b"F", found)
        return found

    def skip(self) -> None:
        """Say that what comes next starts an entry: half of one that was read has no other half."""
        self._rest = b""

    def abandon(self) -> bytes:
        """Say that what follows is not read; return the start of an entry whose end is in there."""
        rest, self._rest = self._rest, b""
        self._begun.clear()
        return rest

    def flush(self) -> list[LogText]:
        """Return what was written without a newline until now; what follows is a line of its own."""
        found = [_line(stream, begun.at, begun.text) for stream, begun in self._begun.items()]
        self._begun.clear()
        return found

    def ends(self) -> Iterator[bytes]:
        """Yield an entry for each line whose end has not come, which gives it one."""
        for stream, begun in self._begun.items():
            yield f"{begun.newest.isoformat(timespec='microseconds')} {stream.value} F \n".encode()

    def _take(self, stream: LogStream, at: datetime, text: bytes, ends: bool, found: list[LogText]) -> None:
        begun = self._begun.pop(stream, None)
        if begun is not None and at - begun.newest > UNFINISHED:
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


def count_lines(data: bytes) -> int:
    """Return how many lines end in whole entries of a log."""
    return sum(1 for _ in _END_OF_LINE.finditer(data))


def closing(end: bytes) -> bytes:
    """Return what to add to a log that ends with these bytes, so that each line in it has an end."""
    parser = LogParser()
    added = b"" if not end or end.endswith(b"\n") else b"\n"
    parser.feed(end + added)
    return added + b"".join(parser.ends())
