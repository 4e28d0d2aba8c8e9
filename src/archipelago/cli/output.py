"""What the command prints: JSON as it came, or text that cannot take over the terminal."""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

# C0 without tab and line feed, DEL, C1, and the characters that turn text around.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(value: object) -> str:
    """Return a text with control characters made visible."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", str(value))


def line(value: object) -> str:
    """Return a text as one clean line."""
    return clean(value).replace("\n", " ").replace("\t", " ")


def show_json(value: Any) -> None:
    """Print a result as JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=not _is_utf8(sys.stdout)))


def show_json_line(value: Any) -> None:
    """Print one value of a stream as a line of JSON."""
    print(json.dumps(value, ensure_ascii=not _is_utf8(sys.stdout)), flush=True)


def show(text: str, stream: TextIO | None = None) -> None:
    """Print text; what the stream cannot encode is escaped."""
    stream = stream or sys.stdout
    encoding = stream.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)


def pass_through(text: str, stream: TextIO) -> None:
    """Write output of a program: unchanged, except that on a terminal control characters are made visible."""
    if stream.isatty():
        text = clean(text.replace("\r\n", "\n"))
    stream.flush()
    stream.buffer.write(text.encode("utf-8", "replace"))
    stream.buffer.flush()


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table: drawn on a terminal, else tab-separated lines with a heading."""
    if not sys.stdout.isatty():
        show("\t".join(columns))
        for row in rows:
            show("\t".join(map(line, row)))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(line(cell)) for cell in row))
    Console().print(table)


def show_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Print names and values below each other; empty values are left out."""
    kept = [(name, value) for name, value in facts if value not in (None, "", [], ())]
    width = max((len(name) for name, _ in kept), default=0)
    for name, value in kept:
        show(f"{name:<{width}}  {line(value)}")


def duration(seconds: float) -> str:
    """Return a time that is to be waited, in the two largest units that say something: `3 h 20 min`."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    hours, minutes = divmod(minutes, 60)
    if hours < 1:
        return f"{minutes} min"
    days, hours = divmod(hours, 24)
    if days < 1:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    text = f"{days} day" if days == 1 else f"{days} days"
    return f"{text} {hours} h" if hours else text


def _is_utf8(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "") == "utf8"
