"""Numbers of bytes for people."""


def size_words(count: float) -> str:
    """Return bytes in a unit that reads well."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
