"""Paths of files in snapshots, as people write them. Pure.

An app may give a file any name, and a text can hold only UTF-8 without control characters: every other byte, and each
backslash, is written as `\\xNN`. So each file has a path that can be shown, typed and read back.
"""

import re
from dataclasses import dataclass

from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import named
from archipelago.support.texts.text import msg

VOLUMES = "volumes"
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\udc80-\udcff]")
"""Control characters, those that turn the direction of a text, the backslash, and bytes that are not UTF-8."""


@dataclass(frozen=True, slots=True)
class SnapshotPath:
    """A place in a snapshot: the folder of the volumes where there is no volume."""

    volume: str = ""
    names: tuple[str, ...] = ()
    """Below the volume, as the file system has them (os.fsdecode)."""


def shown_name(name: str) -> str:
    """Return a name of a file as a text that can be shown and read back by `real_name`."""
    return _HIDDEN.sub(lambda found: "".join(f"\\x{byte:02x}" for byte in _bytes(found[0])), name)


def real_name(text: str) -> str:
    """Return the name of a file that `shown_name` has written as this text. Raises `ValueError` for any other text."""
    parts = _ESCAPED.split(text)
    if "\\" in "".join(parts[::2]):
        raise ValueError(text)
    pieces = [bytes([int(part, 16)]) if number % 2 else _bytes(part) for number, part in enumerate(parts)]
    return b"".join(pieces).decode("utf-8", "surrogateescape")


def read_path(text: str) -> SnapshotPath:
    """Return the place that a path names, such as `volumes/data/photo.jpg`. Raises `NodeError`."""
    try:
        root, *parts = [real_name(part) for part in text.strip("/").split("/")]
        if root not in ("", VOLUMES) or any(part in ("", ".", "..") or {"/", "\0"} & set(part) for part in parts):
            raise ValueError(text)
        return SnapshotPath(named(parts[0]), tuple(parts[1:])) if parts else SnapshotPath()
    except (ValueError, NodeError):
        raise NodeError(
            ErrorCode.INVALID_VALUE,
            msg("{path} is no path in a snapshot", path=f"{text!r}"),
            hint=msg("paths start with volumes/ and the name of a volume, such as volumes/data/photo.jpg"),
        ) from None


def shown_path(place: SnapshotPath) -> str:
    """Return the path of a place, which `read_path` reads."""
    return "/".join((VOLUMES, *([place.volume] if place.volume else []), *map(shown_name, place.names)))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
