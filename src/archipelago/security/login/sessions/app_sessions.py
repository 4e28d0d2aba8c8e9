"""Sessions in apps that are behind the node's login: each is one of a browser's at the origin of one app.

A browser is let in by a code that the node's own page gives, which works once, at one origin, for a minute, and in the
browser alone that asked for it. What it keeps from then on is signed by the node, for this origin. It is good for as
long as the node's session from which it comes: whatever ends that, such as a logout, ends it in all apps at once.
Nothing of it is stored, so it outlives the daemon as that session does.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from archipelago.security.login.sessions.stamps import Stamps

_CODE_SECONDS = 60.0
_MOST_CODES = 1000
_BYTES = 32
_PURPOSE = "session in an app"


@dataclass(frozen=True, slots=True)
class _Code:
    site: str
    state: str
    session: str
    until: float


class AppSessions:
    """Gives codes and takes them, and knows what it has signed. `now` is a steady clock."""

    def __init__(self, now: Callable[[], float], stamps: Stamps) -> None:
        self._now = now
        self._stamps = stamps
        self._codes: dict[str, _Code] = {}

    def use(self, stamps: Stamps) -> None:
        """Sign by another key from now on."""
        self._stamps = stamps

    def new_code(self, site: str, state: str, session: str) -> str:
        """Return a code for an origin, and for the browser that chose a state, on behalf of a session of the node."""
        now = self._now()
        self._codes = {key: code for key, code in self._codes.items() if code.until > now}
        while len(self._codes) >= _MOST_CODES:
            del self._codes[next(iter(self._codes))]
        code = secrets.token_urlsafe(_BYTES)
        self._codes[_digest(code)] = _Code(site, state, session, now + _CODE_SECONDS)
        return code

    def redeem(self, site: str, state: str, code: str) -> str | None:
        """Return what a browser is to keep for a code; None where it is good for nothing. It works no second time."""
        found = self._codes.pop(_digest(code), None)
        if found is None or found.until <= self._now() or (found.site, found.state) != (site, state):
            return None
        return f"{found.session}.{self._stamps.of(_PURPOSE, site, found.session)}"

    def session(self, site: str, kept: str) -> str | None:
        """Return the key of the node's session from which comes what a browser has kept for an origin."""
        session, _, stamp = kept.partition(".")
        return session if self._stamps.fits(stamp, _PURPOSE, site, session) else None


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()
