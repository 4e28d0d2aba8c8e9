"""Pictures of a running app for the store (`apps/<id>/screenshots/*.png`): untrusted, bounded, not of the package.

Another picture is no other version of the app, so they are neither in the package's digest nor kept with it.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from archipelago.container.manifest.app_folder import opened, read

FOLDER = "screenshots"
MAX_SCREENSHOTS = 6
MAX_BYTES = 1024**2
MAX_SIDE = 4096
"""Pixels: a small file can hold a picture that takes gigabytes once it is shown."""
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\.png")
_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


@dataclass(frozen=True, slots=True)
class Screenshot:
    """A picture of an app."""

    name: str
    """Name of its file."""
    width: int
    height: int
    version: str
    """What changes with the picture, for caches."""


def belongs(path: str) -> bool:
    """Return whether a path of an app's folder is one of the pictures."""
    return PurePosixPath(path).parts[0] == FOLDER


def find_screenshots(folder: int, paths: Sequence[str]) -> tuple[tuple[Screenshot, ...], list[tuple[str, str, str]]]:
    """Return the pictures of an open folder of an app, and what is wrong: path, message, what is expected."""
    found: list[Screenshot] = []
    problems: list[tuple[str, str, str]] = []
    for path in paths[: MAX_SCREENSHOTS + 1]:
        if len(found) == MAX_SCREENSHOTS:
            problems.append((FOLDER, "there are too many screenshots", f"at most {MAX_SCREENSHOTS}"))
            break
        name = path.partition("/")[2]
        if not _NAME.fullmatch(name):
            problems.append((path, "the file has no place here", "names such as '1-wallets.png'"))
            continue
        try:
            found.append(screenshot(name, read(folder, path, MAX_BYTES + 1)))
        except (OSError, ValueError) as error:
            problems.append((path, "the screenshot cannot be used", str(error)))
    return tuple(found), problems


def screenshot(name: str, content: bytes) -> Screenshot:
    """Return what is known of a picture; raises ValueError that says what was expected."""
    if len(content) > MAX_BYTES:
        raise ValueError(f"at most {MAX_BYTES // 1024} KiB")
    if not content.startswith(_PNG) or len(content) < 33:
        raise ValueError("a PNG picture")
    width, height = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise ValueError(f"at most {MAX_SIDE} by {MAX_SIDE} pixels")
    return Screenshot(name, width, height, f"{zlib.crc32(content):08x}")


def read_screenshot(app: Path, wanted: Screenshot) -> bytes | None:
    """Return the content of a picture of an app's folder; None where it is another one by now. Blocks on files."""
    try:
        with opened(app) as here:
            content = read(here, f"{FOLDER}/{wanted.name}", MAX_BYTES + 1)
        return content if screenshot(wanted.name, content) == wanted else None
    except (OSError, ValueError):
        return None
