"""What all ways of a message have in common."""

import ssl
from collections.abc import Callable

Trust = Callable[[], ssl.SSLContext]
"""Returns whose certificates are trusted. Blocking: it reads files."""
TIMEOUT = 25.0
"""Seconds for one attempt, of a server that answers late or never."""


class SendError(Exception):
    """A message has not arrived; the text says why, and quotes nothing secret."""
