"""Bytes that come in pieces, put together again: framed output, lines, JSON objects. Pure; knows no socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from archipelago.container.podman_client.models import LogStream

MAX_FRAME = 16 * 1024 * 1024
MAX_LINE = 4 * 1024 * 1024

_HEADER = 8
_STREAMS = {0: LogStream.STDOUT, 1: LogStream.STDOUT, 2: LogStream.STDERR}


class StreamBroken(Exception):
    """The bytes do not follow the format; what follows cannot be trusted either."""


class FrameDemultiplexer:
    """Take a container's outputs apart: frames of `[stream, 0, 0, 0, length (4 bytes, big-endian)]` and bytes."""

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self._buffer = bytearray()
        self._max_frame = max_frame

    def feed(self, data: bytes) -> Iterator[tuple[LogStream, bytes]]:
        """Yield each frame that is complete now; raise StreamBroken on a wrong header."""
        self._buffer += data
        start = 0
        try:
            while len(self._buffer) - start >= _HEADER:
                kind = self._buffer[start]
                size = int.from_bytes(self._buffer[start + 4 : start + _HEADER], "big")
                if kind not in _STREAMS or any(self._buffer[start + 1 : start + 4]) or size > self._max_frame:
                    raise StreamBroken(f"not a frame header: {bytes(self._buffer[start : start + _HEADER]).hex()}")
                end = start + _HEADER + size
                if len(self._buffer) < end:
                    return
                payload = bytes(self._buffer[start + _HEADER : end])
                start = end
                yield _STREAMS[kind], payload
        finally:
            del self._buffer[:start]

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not complete."""
        return len(self._buffer)


class JsonLines:
    """Read a stream of JSON objects, one a line, as Podman's events, pulls and builds come."""

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._buffer = bytearray()
        self._max_line = max_line

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Return the objects that are complete now; raise StreamBroken on anything else."""
        self._buffer += data
        if b"\n" not in data:
            if len(self._buffer) > self._max_line:
                raise StreamBroken(f"an object of more than {self._max_line} bytes")
            return []
        *lines, rest = bytes(self._buffer).split(b"\n")
        self._buffer = bytearray(rest)
        return [_json_object(line) for line in lines if line.strip()]

    def flush(self) -> list[dict[str, Any]]:
        """Return the last object where the stream ended without a newline; raise StreamBroken when it was cut off."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return [_json_object(rest)] if rest.strip() else []


def _json_object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise StreamBroken(f"not JSON: {line[:100]!r}") from error
    if not isinstance(value, dict):
        raise StreamBroken(f"not a JSON object: {line[:100]!r}")
    return value


def parse_time(text: str) -> datetime | None:
    """Read Go's RFC 3339 time, nanoseconds cut to microseconds; None for its zero time and for what is no time."""
    if not text or text.startswith("0001-"):
        return None
    head, dot, tail = text.partition(".")
    if dot:
        digits = len(tail) - len(tail.lstrip("0123456789"))
        text = f"{head}.{tail[:digits][:6].ljust(6, '0')}{tail[digits:]}"
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None
