"""Output that outlives its reader: a terminal may close and a pipe may break while there is still work to do."""

import io
import os
import sys
from typing import TextIO


class LastingStream(io.TextIOBase):
    """Writes to a stream as long as somebody reads it, and then to nowhere; never raises `OSError`."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Encoding of the stream."""
        return self._stream.encoding

    def write(self, text: str) -> int:
        """Write a text and return its length, also when nobody reads it."""
        try:
            self._stream.write(text)
        except OSError:
            self._give_up()
        return len(text)

    def flush(self) -> None:
        """Pass on what is buffered."""
        try:
            self._stream.flush()
        except OSError:
            self._give_up()

    def fileno(self) -> int:
        """Return the file descriptor of the stream."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self._stream.isatty()

    def writable(self) -> bool:
        """Return True."""
        return True

    def _give_up(self) -> None:
        # At the descriptor: what is buffered goes there too, when Python flushes it at the end.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


def outlive_readers() -> None:
    """Have standard output and error of this process never fail because nobody reads."""
    sys.stdout = LastingStream(sys.stdout)
    sys.stderr = LastingStream(sys.stderr)
