"""Numbers of bytes for people."""

import re
from decimal import Decimal

_SIZE = re.compile(r"([0-9]{1,16}(?:\.[0-9]{1,6})?) ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)")
_SIZE_UNITS = {
    "B": 1,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "TiB": 1024**4,
}


def size_words(count: float) -> str:
    """Return bytes in a unit that reads well."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def read_size(text: str) -> int:
    """Return the bytes of `512MiB` or `1.5GB`. Raises `ValueError`."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError("expected a size such as 512MiB or 2GB")
    return int(Decimal(match[1]) * _SIZE_UNITS[match[2]])
