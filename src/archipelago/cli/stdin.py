"""Reads secrets from standard input: all of it, or a refusal; never a part."""

import sys

from archipelago.cli.errors import CommandError, Exit

_LONGEST_VALUE = 16 * 1024
"""Bytes: what the RPC takes, 4096 characters, has no more of them."""
_LONGEST_LINES = 64 * 1024


def read_value(what: str) -> str:
    """Return all of standard input: one line without its end, several lines byte for byte (a PEM key ends with one)."""
    text = _all(what, _LONGEST_VALUE)
    line = _without_end(text)
    value = text if "\n" in line else line
    if not value:
        raise CommandError(Exit.USAGE, f"{what}: standard input is empty", "nothing was changed")
    return value


def read_lines(what: str, count: int) -> list[str]:
    """Return exactly so many lines of standard input, without their ends; at a terminal those that are typed."""
    if sys.stdin.isatty():
        return [_without_end(_decoded(what, sys.stdin.buffer.readline(_LONGEST_LINES))) for _ in range(count)]
    text = _all(what, _LONGEST_LINES)
    found = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []
    if len(found) != count:
        wanted = "1 line" if count == 1 else f"{count} lines"
        raise CommandError(
            Exit.USAGE, f"{what}: standard input has {len(found)} lines, and {wanted} are needed", "nothing was changed"
        )
    return found


def read_words(what: str) -> str:
    """Return the words of standard input with single spaces between them, on however many lines they are."""
    return " ".join(_all(what, _LONGEST_LINES).split())


def _all(what: str, most: int) -> str:
    content = sys.stdin.buffer.read(most + 1)
    if len(content) > most:
        raise CommandError(
            Exit.USAGE, f"{what}: standard input is longer than {most // 1024} KiB", "nothing was changed"
        )
    return _decoded(what, content)


def _decoded(what: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        pass
    # Outside of `except`: the cause would quote what was read.
    raise CommandError(Exit.USAGE, f"{what}: standard input is no text in UTF-8", "nothing was changed")


def _without_end(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
