"""Challenges that passkeys answer: signed, not kept, so nobody can have the node forget another's.

Only an answer whose signature is good uses a challenge up, and is remembered until the challenge has ended.
"""

import secrets
from collections.abc import Callable

from archipelago.security.login.sessions.stamps import Stamps

SECONDS = 300
"""How long a challenge can be answered."""
_NONCE = 16
_LONGEST = 200


class Challenges:
    """Makes and checks challenges. `steady` gives seconds of a clock that never jumps."""

    def __init__(self, stamps: Stamps, steady: Callable[[], float]) -> None:
        self._stamps = stamps
        self._steady = steady
        self._used: dict[bytes, int] = {}
        """Challenge that was answered -> when it ends."""

    def make(self, *purpose: str) -> bytes:
        """Return a challenge for a purpose, such as logging in at one site."""
        nonce, until = secrets.token_hex(_NONCE), str(int(self._steady()) + SECONDS)
        return f"{nonce}.{until}.{self._stamps.of('challenge', nonce, until, *purpose)}".encode()

    def fits(self, challenge: bytes, *purpose: str) -> bool:
        """Return whether it is a challenge for this purpose that can still be answered."""
        parts = challenge.decode("ascii", "replace").split(".") if len(challenge) <= _LONGEST else ()
        if len(parts) != 3 or not self._stamps.fits(parts[2], "challenge", parts[0], parts[1], *purpose):
            return False
        return self._steady() < int(parts[1]) and challenge not in self._used

    def use(self, challenge: bytes) -> bool:
        """Use a challenge up, whose answer is known to be good; return whether nobody has before."""
        now = self._steady()
        self._used = {one: until for one, until in self._used.items() if until > now}
        if challenge in self._used:
            return False
        self._used[challenge] = int(now) + SECONDS + 1
        return True
