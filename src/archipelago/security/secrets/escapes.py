"""Undoes the escapes of text formats, and says where what they stand for was written. Pure.

Known are percent-encoding (RFC 3986), JSON (RFC 8259), string literals of C, Python and shells, character references of
HTML, and bytes that are written as numbers: hexadecimal in groups, as hexdump(1) and xxd(1) do, and lists of decimals,
as Go and Rust do.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from itertools import accumulate

Span = tuple[int, int]
_LAYERS = 3
"""Escapes within escapes that are undone, such as JSON in a string of JSON."""
_INTRODUCERS = (b"%", b"\\", b"&", b"'\"'\"'")
_ESCAPE = re.compile(
    rb"""
    ('\\'' | '"'"'                                                                    # a quote in a shell's quotes
  | %[0-9A-Fa-f]{2}
  | \\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}                       # beyond U+FFFF, in JSON
  | \\u\{[0-9A-Fa-f]{1,6}\} | \\u[0-9A-Fa-f]{4} | \\U[0-9A-Fa-f]{8} | \\x[0-9A-Fa-f]{2} | \\[0-7]{3}
  | \\[abfnrtv0] | \\[^0-9A-Za-z]
  | &(?:\#[0-9]{1,7} | \#[xX][0-9A-Fa-f]{1,6} | amp | lt | gt | quot | apos);)
    """,
    re.VERBOSE | re.DOTALL,
)
_QUOTED = re.compile(rb"""('\\'' | '"'"')""", re.VERBOSE)
"""A quote in a shell's single quotes, in which a backslash is one: `'it'"'"'s \\'`."""
_LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"0": b"\0"}
_NAMES = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'"}
_CLASSES = bytes.maketrans(b"0123456789abcdefABCDEFxX \t:,.-", b"h" * 22 + b"xx" + b"-" * 6)
"""Return quickly whether a text may hold bytes that are written as numbers."""
_DIGITS = re.compile(
    # Atomic: nothing is tried twice, however long the run is.
    rb"(?<![0-9A-Za-z])(?:0x)?(?>(?:[0-9A-Fa-f]{2})+)(?>(?:[ \t:,.-]{1,2}(?:0x)?(?>(?:[0-9A-Fa-f]{2})+)){3,})"
)
_GAP = re.compile(rb"([ \t:,.-]{1,2}(?:0x)?)")
_DECIMALS = re.compile(rb"(?<![0-9A-Za-z.])[0-9]{1,3}(?>(?:(?:,[ ]?|[ ])[0-9]{1,3}){7,})")
_DECIMAL = re.compile(rb"([0-9]{1,3}(?:,[ ]?|[ ]|\Z))")
_FEWEST = 7
"""Gaps between decimals that may be bytes of a secret."""


class Layer:
    """A text from which escapes were taken out. None of them is shorter than what it stands for."""

    def __init__(self, parts: list[bytes], plain: list[bytes]) -> None:
        """Take the text before in parts, plain ones and escapes in turn, and what they read."""
        self.data = b"".join(plain)
        self._parts = parts
        self._plain = plain

    def span(self, start: int, end: int) -> Span:
        """Return where in the text before a part of `data` was written; the part is not empty."""
        at, source = self._offsets
        first, last = bisect_right(at, start) - 1, bisect_right(at, end - 1) - 1
        begins = source[first] + (0 if first % 2 else start - at[first])
        return begins, source[last + 1] if last % 2 else source[last] + end - at[last]

    @cached_property
    def _offsets(self) -> tuple[list[int], list[int]]:
        """Where each part starts in the text that is read, and in the one before; at last their lengths."""
        return list(accumulate(map(len, self._plain), initial=0)), list(accumulate(map(len, self._parts), initial=0))


def views(data: bytes) -> Iterator[tuple[bytes, tuple[Layer, ...]]]:
    """Yield a text as it stands, then as it reads with escapes undone; each with the layers to it, outermost first."""
    layers: tuple[Layer, ...] = ()
    for _ in range(_LAYERS + 1):
        yield data, layers
        for numbers in _numbers(data):
            yield numbers.data, (*layers, numbers)
        if b"'\"'\"'" in data or b"'\\''" in data:
            quoted = _undone(_QUOTED.split(data))
            yield quoted.data, (*layers, quoted)
        if not any(introducer in data for introducer in _INTRODUCERS):
            return
        parts = _ESCAPE.split(data)
        if len(parts) == 1:
            return
        layer = _undone(parts)
        layers, data = (*layers, layer), layer.data


def original(layers: tuple[Layer, ...], start: int, end: int) -> Span:
    """Return where a part of a view stands in the text that the view is of."""
    for layer in reversed(layers):
        start, end = layer.span(start, end)
    return start, end


def _undone(parts: list[bytes]) -> Layer:
    """Return how a text reads, of which every second part is an escape."""
    return Layer(parts, [_plain(part) if number % 2 else part for number, part in enumerate(parts)])


def _numbers(data: bytes) -> Iterator[Layer]:
    """Yield a text with its groups of hexadecimal digits joined, and with decimals as the bytes that they are."""
    look = data.translate(_CLASSES)
    if b"hh-hh-hh-hh-hh" in look or b"hhhh-hhhh-hhhh" in look or b"xhh--hxhh" in look or b"xhh-hxhh" in look:
        yield _within(data, _DIGITS, _GAP, lambda _: b"")
    if look.count(b"h-h") >= _FEWEST or look.count(b"h--h") >= _FEWEST:
        yield _within(data, _DECIMALS, _DECIMAL, _byte)


def _within(data: bytes, run: re.Pattern[bytes], escape: re.Pattern[bytes], read: Callable[[bytes], bytes]) -> Layer:
    """Return a text in the runs of which escapes are undone, and nowhere else."""
    parts, done = [b""], 0
    for found in run.finditer(data):
        first, *others = escape.split(found[0])
        parts[-1] += data[done : found.start()] + first
        parts += others
        done = found.end()
    parts[-1] += data[done:]
    return Layer(parts, [read(part) if number % 2 else part for number, part in enumerate(parts)])


def _byte(decimal: bytes) -> bytes:
    number = int(decimal.rstrip(b", "))
    return bytes([number]) if number < 256 else b"?"


@lru_cache(4096)
def _plain(escape: bytes) -> bytes:
    """Return what an escape stands for."""
    kind, rest = escape[:1], escape[1:]
    if kind == b"'":
        return b"'"
    if kind == b"%":
        return bytes.fromhex(rest.decode())
    if kind == b"&":
        name = rest[:-1]
        if not name.startswith(b"#"):
            return _NAMES[name]
        return _character(int(name[2:], 16) if name[1:2] in b"xX" else int(name[1:]))
    if rest in _LETTERS:
        return _LETTERS[rest]
    letter = rest[:1]
    if letter == b"x":
        return bytes.fromhex(rest[1:].decode())
    if letter in b"uU" and len(rest) > 1:
        if len(rest) == 11:  # two halves: uD83D\uDE00
            high, low = int(rest[1:5], 16), int(rest[7:], 16)
            return _character(0x10000 + ((high - 0xD800) << 10) + low - 0xDC00)
        return _character(int(rest[1:].strip(b"{}"), 16))
    if len(rest) == 3:
        return bytes([int(rest, 8) & 0xFF])
    return rest


def _character(number: int) -> bytes:
    return chr(number).encode("utf-8", "surrogatepass") if number <= 0x10FFFF else b"?"
