"""Confirmations: proof that somebody who is logged in has shown his password, or a passkey, a moment ago. Pure.

A session is kept by the browser and sent with each request; who steals it is not the owner. So what changes how one
logs in needs a confirmation beside it. The page keeps it in memory alone and the node not at all: it is a signature
over session, version of the account and end. A change of the account ends it.
"""

from collections.abc import Callable

from archipelago.security.login.sessions.stamps import Stamps
from archipelago.storage.records.logins import Session

SECONDS = 300
"""How long a confirmation is good."""
LONGEST = 100
_PURPOSE = "confirmation"


class Confirmations:
    """Makes and checks confirmations. `steady` gives seconds of a clock that never jumps."""

    def __init__(self, stamps: Stamps, steady: Callable[[], float]) -> None:
        self._stamps = stamps
        self._steady = steady

    def give(self, session: Session) -> str:
        """Return a confirmation for a session whose owner has just shown that it is he."""
        until = str(int(self._steady()) + SECONDS)
        return f"{until}.{self._stamps.of(_PURPOSE, until, session.key, str(session.version))}"

    def fits(self, given: str, session: Session) -> bool:
        """Return whether a confirmation is one for this session, and good now."""
        if len(given) > LONGEST or not given.isascii():
            return False
        until, _, stamp = given.partition(".")
        signed = self._stamps.fits(stamp, _PURPOSE, until, session.key, str(session.version))
        return signed and self._steady() < int(until)
