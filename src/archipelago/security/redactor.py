"""Takes secrets out of texts that others wrote, such as an app's log."""

import base64
import re
import threading
from collections.abc import Iterator

HIDDEN = "***"
SHORTEST = 8
"""Characters; shorter values are words that may stand anywhere."""
_WORDS = re.compile(r"[A-Za-z0-9_+/=-]{8,}")
_GENERATED = re.compile(r"[A-Za-z0-9_+/=-]+\Z")


class Redactor:
    """Knows secrets, and finds them in texts: as they are, in hexadecimal and in base64.

    A line of a log holds many ids that look like secrets, so each place is looked up by its first letters: however many
    secrets there are, a line takes the same time.
    """

    def __init__(self) -> None:
        self._values: frozenset[str] = frozenset()
        self._turn = threading.Lock()
        # Values are learned in threads while lines are read in another: sets are replaced, never changed.
        self._by_start: dict[str, frozenset[str]] = {}
        self._others: frozenset[str] = frozenset()
        """Values that an owner typed, with characters that generated ones have not."""

    def learn(self, value: str) -> None:
        """Hide a value from now on. Thread-safe; a value that is known already changes nothing."""
        with self._turn:
            if value not in self._values:
                self._values |= {value}
                self._learn_lines(value)

    def forget(self, value: str) -> None:
        """Hide a value no longer, such as that of a session that ended. Thread-safe; an unknown value is no error."""
        with self._turn:
            if value not in self._values:
                return
            self._values -= {value}
            # Made aside: whoever reads meanwhile must not see fewer secrets than there are.
            others = Redactor()
            for other in self._values:
                others._learn_lines(other)
            self._by_start, self._others = others._by_start, others._others

    def _learn_lines(self, value: str) -> None:
        for line in value.splitlines():
            # PEM: what is secret stands between the dashes.
            if not line.startswith("-----"):
                self._learn_line(line)

    def _learn_line(self, value: str) -> None:
        if len(value) < SHORTEST:
            return
        if not _GENERATED.match(value):
            self._others |= {value}
        for shape in _shapes(value):
            if len(shape) >= SHORTEST and _GENERATED.match(shape):
                start = shape[:SHORTEST]
                self._by_start[start] = self._by_start.get(start, frozenset()) | {shape}

    def redact(self, text: str) -> str:
        """Return a text without secrets."""
        for value in self._others:
            if value in text:
                text = text.replace(value, HIDDEN)
        if not self._by_start:
            return text
        return _WORDS.sub(lambda found: self._redact_word(found[0]), text)

    def _redact_word(self, word: str) -> str:
        parts, begin, at = [], 0, 0
        while at <= len(word) - SHORTEST:
            values = self._by_start.get(word[at : at + SHORTEST], ())
            value = next((value for value in values if word.startswith(value, at)), None)
            if value is None:
                at += 1
                continue
            parts += [word[begin:at], HIDDEN]
            begin = at = at + len(value)
        return "".join([*parts, word[begin:]])


def _shapes(value: str) -> Iterator[str]:
    raw = value.encode("utf-8", "surrogatepass")
    yield value
    yield raw.hex()
    yield raw.hex().upper()
    for encoded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
        yield encoded.decode().rstrip("=")
