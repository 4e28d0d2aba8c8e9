"""Passwords: argon2id (RFC 9106, the second recommended option: 64 MiB), off the event loop, few at a time."""

import asyncio
from dataclasses import dataclass

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secrets.typed_secret import forms, prepared
from archipelago.support.texts.text import msg

SHORTEST, LONGEST = 10, 1024
_PLACES = 1
"""Hashes at once for those who are known, and as many for all others. Each takes the memory below, so many logins at
once must not take a small machine's; and a queue of unknown clients must not stand before the owner."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one hash costs: passes over the memory, memory in KiB, threads."""

    time: int = 3
    memory: int = 64 * 1024
    threads: int = 4


class Passwords:
    """Hashes and checks passwords."""

    def __init__(self, cost: Cost = Cost()) -> None:
        self._hasher = PasswordHasher(
            time_cost=cost.time, memory_cost=cost.memory, parallelism=cost.threads, type=Type.ID
        )
        self._known, self._unknown = asyncio.Semaphore(_PLACES), asyncio.Semaphore(_PLACES)
        self._nobodys = ""

    async def hash(self, password: str) -> str:
        """Return the hash of a new password; raises `NodeError` where it is too short or too long."""
        password = prepared(password)
        if not SHORTEST <= len(password) <= LONGEST:
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("a password has {shortest} to {longest} characters", shortest=SHORTEST, longest=LONGEST),
                hint=msg("take a few words that nobody would guess together"),
            )
        async with self._known:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, hashed: str | None, password: str, *, known: bool) -> bool:
        """Return whether a password is the one that was hashed; without a hash it takes as long, and is not.

        `known` says whether whoever shows it has logged in before: he does not queue behind unknown clients.
        """
        if hashed is None and not self._nobodys:
            self._nobodys = await self.hash("nobody's password")
        async with self._known if known else self._unknown:
            fits = await asyncio.to_thread(self._verify_any, hashed or self._nobodys, password)
        return fits and hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        """Return whether a hash was made at another cost than today's."""
        return self._hasher.check_needs_rehash(hashed)

    def _verify_any(self, hashed: str, password: str) -> bool:
        # What is too long is looked at as well, so that it takes as long, and is none whatever it starts with.
        tries = forms(password if len(password) <= LONGEST else password[:LONGEST])
        fits = any(self._verify(hashed, each) for each in tries)
        return fits and len(password) <= LONGEST

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False
