"""Device marks: what a browser keeps of a login, so that unknown clients who guess do not delay its owner. Pure.

A mark opens nothing. Whoever has one makes his attempts at that one account in a lane of his own, which is delayed by
his own wrong passwords and by nobody else's.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from archipelago.security.login.sessions.stamps import Stamps
from archipelago.storage.records.logins import User

LONGEST = 200
_PURPOSE = "device"


@dataclass(frozen=True, slots=True)
class Device:
    """A device from which somebody has logged in before."""

    id: str
    user: str
    mark: str


class DeviceMarks:
    """Gives marks to devices and knows them again."""

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps

    def give(self, user: User, known: Device | None) -> str:
        """Return the mark of a device from which somebody has just logged in; the one that it has, if it is his."""
        if known is not None and known.user == user.name:
            return known.mark
        identity, since = secrets.token_hex(16), str(user.marks_from)
        return ".".join((identity, user.name, since, self._stamps.of(_PURPOSE, identity, user.name, since)))

    def read(self, mark: str, user: Callable[[str], User | None]) -> Device | None:
        """Return whose mark it is; None where it is none, or was taken back."""
        parts = mark.split(".") if len(mark) <= LONGEST and mark.isascii() else ()
        if len(parts) != 4 or not self._stamps.fits(parts[3], _PURPOSE, *parts[:3]):
            return None
        owner = user(parts[1])
        return Device(parts[0], owner.name, mark) if owner is not None and str(owner.marks_from) == parts[2] else None
