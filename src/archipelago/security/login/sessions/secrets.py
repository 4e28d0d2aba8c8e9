"""The secrets that show who is logged in: how they look, by which key they are kept, and which of them are in use."""

import hashlib
import secrets
from collections.abc import Callable
from typing import Protocol

SESSION_PREFIX = "archs_"
"""How the secret of a session starts; the token of a program starts otherwise."""
_BYTES = 32


class Hider(Protocol):
    """Hides values in texts that others wrote (`security.redactor.Redactor`)."""

    def learn(self, value: str) -> None:
        """Hide a value from now on."""
        ...

    def forget(self, value: str) -> None:
        """Stop hiding a value."""
        ...


def new_session_secret() -> str:
    """Return a random secret; it may stand in any header, `Sec-WebSocket-Protocol` among them (RFC 6455, 4.1)."""
    return SESSION_PREFIX + secrets.token_urlsafe(_BYTES)


def session_key(secret: str, port: int) -> str:
    """Return the key under which a session is kept, in hexadecimal: it does not give the secret away.

    The port is part of it because it is part of the page's origin, in whose web storage the secret stays: where the
    node moves to another port, an app may get the old one, and its page could read the secret there.
    """
    return hashlib.sha256(f"session at port {port}: {secret}".encode("utf-8", "surrogatepass")).hexdigest()


class LiveSecrets:
    """The secrets of sessions and tokens that were issued or used since the start, hidden while they are good."""

    def __init__(self, hider: Hider | None) -> None:
        self._hider = hider
        self._secrets: dict[str, str] = {}

    def note(self, key: str, secret: str) -> None:
        """Hide the secret of a session or token that is good."""
        if self._hider is not None and key not in self._secrets:
            # Without the prefix: a text full of that would look like the start of every one of them.
            self._secrets[key] = secret.partition("_")[2]
            self._hider.learn(self._secrets[key])

    def forget_unless(self, is_alive: Callable[[str], bool]) -> None:
        """Hide no longer what is good for nothing; `is_alive` is asked by key."""
        for key in [key for key in self._secrets if not is_alive(key)]:
            secret = self._secrets.pop(key)
            if self._hider is not None:
                self._hider.forget(secret)
