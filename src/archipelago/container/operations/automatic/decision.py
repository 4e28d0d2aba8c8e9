"""Whether the node installs an update by itself now. Pure: times come from outside.

The wall clock may be set at any time. So it counts only once it has run evenly for a while, dates of the future prove
nothing, and what was tried is known by its version and not by a date.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from archipelago.backups.schedule import is_due
from archipelago.support.texts.text import joined, msg

EVEN = 900.0
"""Seconds for which the wall clock must have run evenly: by then a time server has set it after a start."""
_SLEW = 30.0
"""Seconds by which it may differ between two looks: adjtime(3) makes it run faster or slower."""
_AHEAD = timedelta(hours=1)
"""How far ahead a date may be, of a clock that was set back a little."""
PROVED = timedelta(days=9)
"""How old the proof of an app's backup may be: one is made each week, and may take a night or two."""


@dataclass(frozen=True, slots=True)
class Window:
    """The hours of the local time in which updates are installed; one that ends before it starts goes over midnight."""

    start: int = 4
    """Nightly backups start between three and four."""
    end: int = 7

    def is_open(self, now: datetime) -> bool:
        """Return whether it is within the hours; always, where they start and end at the same one."""
        if self.start == self.end:
            return True
        after = (now.hour - self.start) % 24
        return after < (self.end - self.start) % 24

    def is_late(self, now: datetime) -> bool:
        """Return whether half of the hours are over: whoever was waited for until now is waited for no longer."""
        minutes = (now.hour * 60 + now.minute - self.start * 60) % (24 * 60)
        return minutes >= ((self.end - self.start) % 24 or 24) * 30


WINDOW = Window()


@dataclass(frozen=True, slots=True)
class EvenClock:
    """For how long the wall clock has gone as fast as one that never jumps."""

    wall: float
    """Seconds since 1970 at the last look."""
    steady: float
    since: float
    """From when on it was even, by the steady clock."""

    @classmethod
    def started(cls, wall: float, steady: float) -> Self:
        """Return what is known at the first look."""
        return cls(wall, steady, steady)

    def looked_at(self, wall: float, steady: float) -> "EvenClock":
        """Return what is known at another look."""
        jumped = abs((wall - self.wall) - (steady - self.steady)) > _SLEW
        return EvenClock(wall, steady, steady if jumped else self.since)

    @property
    def even_for(self) -> float:
        """Seconds for which it was even."""
        return self.steady - self.since


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What is known of the backups of an app on a target that the node backs up to each night."""

    key: str
    """What gives the target its minute of the night (`backups.schedule`)."""
    newest: datetime | None = None
    passed: bool = False
    """Whether the last trial restored it."""
    proved: datetime | None = None
    """When that was."""

    def is_fresh(self, now: datetime) -> bool:
        """Return whether the backup of the last night is there."""
        return not is_due(self.newest, now, self.key)

    def is_proved(self, now: datetime) -> bool:
        """Return whether it was shown not long ago that it can be restored."""
        return self.passed and self.proved is not None and now - PROVED <= self.proved <= now + _AHEAD


@dataclass(frozen=True, slots=True)
class UpdateOffer:
    """The update of an app that the catalog has, with what its plan says."""

    version: str
    tried: bool = False
    """Whether the node started to install this version by itself before."""
    failure: str = ""
    """Why it did not stay then."""
    problem: str = ""
    """Why there is no plan."""
    rights: tuple[str, ...] = ()
    """What it asks for beyond the installed version, in words."""
    installs: tuple[str, ...] = ()
    """Apps that come with it."""
    others: tuple[str, ...] = ()
    """Apps that would be updated with it, though not by themselves."""
    leads_back: bool = True
    """Whether it can be undone, with the data."""
    funds: bool = False
    """Whether money depends on the data of an app that it updates."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What matters of the node."""

    now: datetime
    """In the local time."""
    even_for: float
    """Seconds for which the wall clock has run evenly."""
    busy: bool = False
    """Whether an operation runs."""
    healthy: bool = True
    """Whether the app works."""
    disk_short: bool = False
    backups: tuple[tuple[BackedUp, ...], ...] = ()
    """Of each app that it updates, what is on each target."""


class Turn(StrEnum):
    """What becomes of an update."""

    NOW = "now"
    """It is installed."""
    LATER = "later"
    """It is installed by itself, once it may."""
    OWNER = "owner"
    """It is left to the owner."""


@dataclass(frozen=True, slots=True)
class UpdateVerdict:
    """A decision, and the reason where the owner should know it."""

    turn: Turn
    why: str = ""


def decide(offer: UpdateOffer, moment: Moment, window: Window) -> UpdateVerdict:
    """Return whether an update is installed by itself now."""
    if why := _for_owner(offer):
        return UpdateVerdict(Turn.OWNER, why)
    if why := _in_the_way(offer, moment):
        return UpdateVerdict(Turn.LATER, why)
    if not window.is_open(moment.now) or moment.even_for < EVEN or moment.busy:
        return UpdateVerdict(Turn.LATER)
    if offer.funds and not all(_is_safe(each, moment.now) for each in moment.backups):
        return UpdateVerdict(Turn.LATER, msg("money depends on it, and there is no backup of this night yet"))
    if not window.is_late(moment.now) and not all(_is_backed_up(each, moment.now) for each in moment.backups):
        return UpdateVerdict(Turn.LATER)
    return UpdateVerdict(Turn.NOW)


def _for_owner(offer: UpdateOffer) -> str:
    """Return why only the owner may install an update; empty where the node may."""
    if offer.tried:
        # Without a failure the owner has cancelled it, or undone it later on.
        return offer.failure or msg("it was installed by itself before, and did not stay")
    if offer.problem:
        return offer.problem
    if not offer.leads_back:
        return msg("there is no way back from it, so the decision is yours")
    if offer.installs:
        return msg("it needs further apps: {apps}", apps=joined(offer.installs, ", "))
    if offer.others:
        return msg("it updates apps that are not updated by themselves: {apps}", apps=joined(offer.others, ", "))
    if offer.rights:
        return msg("it asks for more than you agreed to: {rights}", rights=joined(offer.rights, "; "))
    return ""


def _in_the_way(offer: UpdateOffer, moment: Moment) -> str:
    """Return what keeps an update from being installed in any of these nights; empty where nothing does."""
    if not moment.healthy:
        return msg("it is not healthy at the moment, so the node could not see whether the update broke it")
    if moment.disk_short:
        return msg("the disk is short")
    if offer.funds and not all(any(each.is_proved(moment.now) for each in found) for found in moment.backups):
        return msg(
            "money depends on it, and no backup of it was proved restorable in the last {days} days", days=PROVED.days
        )
    return ""


def _is_safe(found: Sequence[BackedUp], now: datetime) -> bool:
    """Return whether a target has a backup of this night, and one of it was shown to be restorable."""
    return any(each.is_fresh(now) and each.is_proved(now) for each in found)


def _is_backed_up(found: Sequence[BackedUp], now: datetime) -> bool:
    """Return whether each target has a backup of this night."""
    return all(each.is_fresh(now) for each in found)
