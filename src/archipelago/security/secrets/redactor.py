"""Takes secrets out of texts that others wrote, such as an app's log."""

import base64
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from archipelago.security.secrets.escapes import Span, original, views
from archipelago.support.texts.text import Text

HIDDEN = "***"
SHORTEST = 8
"""Characters; shorter values are words that may stand anywhere."""
_PART = 12
"""Characters of a part in the midst of a line: of eight hexadecimal digits one in a million is like one of a secret."""
_BREAKS = b"\r\n"
_GRAM = 4
_GRAMS_ALIKE = 4
"""Places of one shape that are looked up by the same letters; more make a shape of one letter slow, and no safer."""
_MADE = re.compile(rb"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9+/=_-]{22,}\Z", re.DOTALL)
"""Values as the node makes them. What an owner types may contain words of any log: only the whole is hidden."""
_FOLDED = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ-_", b"abcdefghijklmnopqrstuvwxyz+/")
"""Upper case is lower case, and base64url is base64."""

_KNOWN, _LOOKED_AT = (0, 1), (0, 2)
"""Of four places in a shape two are known, and of four in a text two are looked at; of each part of `SHORTEST` letters,
wherever it stands, one place is both."""

Gram = int
"""Four bytes, as this machine reads them."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """One way in which a secret may be written, folded."""

    text: bytes
    part: int | None
    """Least length of a part that counts as well; None where only the whole does."""
    broken: int
    """Least length of a part that is broken off: that starts or ends a line."""


class Redactor:
    """Knows secrets, and finds them in texts: as they are, in hexadecimal and in base64, in any case, under escapes.

    A part of a secret counts as well, so one that is broken into lines, or starts in one piece of a log and ends in the
    next, is hidden without memory of what came before; less than `SHORTEST` characters at a break stay. In the midst of
    a line it takes more of them, since a log is full of ids, and some start like a part of a secret.

    A line of a log holds many ids that look like secrets, so each place is looked up by four letters: what a line takes
    grows slowly with the number of secrets, and most lines are not looked at twice. Thread-safe.
    """

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._turn = threading.Lock()
        # Values are learned in threads while lines are read in another: what stands behind a key is never changed.
        self._places: dict[Gram, tuple[tuple[_Shape, int], ...]] = {}
        """Where in which shapes four letters stand."""

    def learn(self, value: str) -> None:
        """Hide a value from now on; one that is known already changes nothing."""
        with self._turn:
            if value not in self._values:
                self._values.add(value)
                for gram, place in _places(value):
                    self._places[gram] = (*self._places.get(gram, ()), place)

    def forget(self, value: str) -> None:
        """Hide a value no longer, such as that of a session that ended; an unknown value is no error."""
        with self._turn:
            if value not in self._values:
                return
            self._values.remove(value)
            for gram, place in _places(value):
                left = list(self._places[gram])
                left.remove(place)  # one of them: another value may be written alike
                if left:
                    self._places[gram] = tuple(left)
                else:
                    del self._places[gram]

    def redact(self, text: str) -> str:
        """Return a text without secrets; a `Text` stays one where its parameters then say no more than the text."""
        if isinstance(text, Text):
            plain = self.redact(text.plain)
            parameters = {name: self.redact(value) for name, value in text.parameters.items()}
            redacted = Text(text.key, parameters)
            return redacted if redacted == plain else plain
        if not self._places or len(text) < SHORTEST:
            return text
        data = text.encode("utf-8", "surrogatepass")
        spans = [original(layers, *span) for view, layers in views(data) for span in self._find(view)]
        return _hidden(data, spans) if spans else text

    def _find(self, view: bytes) -> list[Span]:
        data = view.translate(_FOLDED)
        spans: list[Span] = []
        done = 0
        for place in self._candidates(data):
            if place + _GRAM <= done:
                continue
            for shape, offset in self._places.get(int.from_bytes(data[place : place + _GRAM], sys.byteorder), ()):
                if (span := _match(data, place, shape, offset)) is not None:
                    spans.append(span)
                    done = max(done, span[1])
        return spans

    def _candidates(self, data: bytes) -> list[int]:
        """Return the places at which four letters of a shape stand."""
        known = self._places.keys()
        found: list[int] = []
        for shift in _LOOKED_AT:
            end = shift + (len(data) - shift) // _GRAM * _GRAM
            grams = memoryview(data)[shift:end].cast("I")
            if not known.isdisjoint(grams):
                found += [shift + _GRAM * number for number, gram in enumerate(grams) if gram in known]
        found.sort()
        return found


def _match(data: bytes, place: int, shape: _Shape, offset: int) -> Span | None:
    """Return how far a text says what a shape says, where both have the same letters at one place."""
    text, start = shape.text, place - offset
    if start >= 0 and data.startswith(text, start):
        return start, start + len(text)
    if shape.part is None:
        return None
    begin, end = place, place + _GRAM
    while begin > max(start, 0) and data[begin - 1] == text[begin - 1 - start]:
        begin -= 1
    while end < min(start + len(text), len(data)) and data[end] == text[end - start]:
        end += 1
    is_broken = begin == 0 or end == len(data) or data[begin - 1] in _BREAKS or data[end] in _BREAKS
    return (begin, end) if end - begin >= (shape.broken if is_broken else shape.part) else None


def _hidden(data: bytes, spans: list[Span]) -> str:
    parts, done = [], 0
    for begin, end in (_whole(data, *span) for span in _merged(spans)):
        parts += [data[done:begin].decode("utf-8", "surrogatepass"), HIDDEN]
        done = end
    return "".join([*parts, data[done:].decode("utf-8", "surrogatepass")])


def _whole(data: bytes, begin: int, end: int) -> Span:
    """Return a span with all of the characters that it has a byte of (UTF-8); an escape may stand for a part of one."""
    while begin > 0 and data[begin] & 0xC0 == 0x80:
        begin -= 1
    while end < len(data) and data[end] & 0xC0 == 0x80:
        end += 1
    return begin, end


def _merged(spans: list[Span]) -> Iterator[Span]:
    begin, end = 0, 0
    for first, last in sorted(spans):
        if first < end:
            end = max(end, last)
            continue
        if end:
            yield begin, end
        begin, end = first, last
    yield begin, end


def _places(value: str) -> Iterator[tuple[Gram, tuple[_Shape, int]]]:
    for line in value.splitlines():
        # PEM: what is secret stands between the dashes.
        if len(line) < SHORTEST or line.startswith("-----"):
            continue
        for shape in _shapes(line.encode("utf-8", "surrogatepass")):
            alike: dict[Gram, int] = {}
            last = 2 if shape.part is None else len(shape.text) - _GRAM + 1
            for offset in range(last):
                if offset % _GRAM not in _KNOWN:
                    continue
                gram = int.from_bytes(shape.text[offset : offset + _GRAM], sys.byteorder)
                alike[gram] = alike.get(gram, 0) + 1
                if alike[gram] <= _GRAMS_ALIKE:
                    yield gram, (shape, offset)


def _shapes(raw: bytes) -> Iterator[_Shape]:
    part = _PART if _MADE.match(raw) else None
    # What looks like an escape is undone together with the escapes in which the value is written.
    plain = {view.translate(_FOLDED) for view, _ in views(raw)}
    plain |= {view.replace(b" ", b"+") for view in plain}  # as forms write spaces
    yield from (_Shape(view, part, SHORTEST) for view in sorted(plain) if len(view) >= SHORTEST)
    yield _Shape(raw.hex().encode(), 2 * SHORTEST, 2 * SHORTEST)
    for before in range(3):
        # Three bytes make four letters, so how a secret looks depends on how many bytes stand before it. Letters that
        # it shares with its neighbours are left out.
        letters = base64.b64encode(bytes(before) + raw)
        begin, end = (0, 2, 3)[before], (before + len(raw)) * 8 // 6
        yield _Shape(letters[begin:end].translate(_FOLDED), _PART, SHORTEST)
