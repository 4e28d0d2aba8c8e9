"""Who is connected, and who has to go when there is no room for one more. Pure.

A newcomer is let in and somebody else goes, rather than the other way round: whoever fills all places with connections
that say nothing would otherwise keep everybody else out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

_GRACE = 1.0
"""Seconds for which a new connection is spared where an older one of a full place can go: time to say what it wants."""
_ALIKE = 32
"""Connections of one account that are preferred to those of unknown clients; more of them count as unknown."""


class Standing(IntEnum):
    """What speaks for a connection; the lower, the sooner it goes."""

    WAITING = 0
    """Nothing was asked yet, and nobody knows who it is."""
    IDLE = 1
    """An unknown client whose last request was answered."""
    READING = 2
    """A request is arriving."""
    ANSWERING = 3
    """A request of an unknown client is being answered."""
    KNOWN = 4
    """Somebody who has shown who he is; nothing is asked right now."""
    SERVED = 5
    """A request of somebody who has shown who he is; never ended for a newcomer."""


_UNKNOWN = (Standing.WAITING, Standing.IDLE, Standing.READING, Standing.ANSWERING)


@dataclass(eq=False, slots=True)
class Guest:
    """One connection."""

    who: str
    """Where it comes from: an address, or a user of this host."""
    standing: Standing
    since: float
    """When it took its standing."""
    end: Callable[[], object]
    """Ends it at once."""
    account: str = ""
    """Whose it is, once that is known."""
    came: float = field(init=False)
    """When it started."""

    def __post_init__(self) -> None:
        """Take the time."""
        self.came = self.since


@dataclass(slots=True)
class _Rank:
    """Guests of one standing, by where they come from; of each place the one with the oldest standing is first."""

    places: dict[str, dict[Guest, None]] = field(default_factory=dict)

    def add(self, guest: Guest) -> None:
        self.places.setdefault(guest.who, {})[guest] = None

    def discard(self, guest: Guest) -> None:
        found = self.places.get(guest.who, {})
        found.pop(guest, None)
        if not found:
            self.places.pop(guest.who, None)

    def first(self, places: Iterable[str], before: float) -> Guest | None:
        """Return who has to go first of those who came before: of the first of these places that has one."""
        guests = (guest for place in places for guest in self.places.get(place, ()))
        return next((guest for guest in guests if guest.came <= before), None)


class Crowd:
    """Connections of one door: at most `total`, and at most `each` from one place."""

    def __init__(self, total: int, each: int) -> None:
        self.total = total
        self.each = each
        self._ranks = {standing: _Rank() for standing in Standing}
        self._guests: dict[Guest, None] = {}
        self._places: Counter[str] = Counter()
        self._accounts: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._guests)

    def __iter__(self) -> Iterator[Guest]:
        """Yield those who are there, the longest first."""
        return iter(tuple(self._guests))

    def enter(self, guest: Guest) -> bool:
        """Let somebody in, at the cost of another where need be; False where all others have more of a right."""
        if self._places[guest.who] >= self.each:
            crowded: str | None = guest.who
        elif len(self._guests) >= self.total:
            crowded = None
        else:
            self._take(guest)
            return True
        victim = self._victim(crowded, guest.since)
        if victim is None:
            return False
        self.leave(victim)
        victim.end()
        self._take(guest)
        return True

    def leave(self, guest: Guest) -> None:
        """Take note that a connection is over; does nothing the second time."""
        if guest not in self._guests:
            return
        del self._guests[guest]
        self._ranks[guest.standing].discard(guest)
        self._places[guest.who] -= 1
        if not self._places[guest.who]:
            del self._places[guest.who]
        self._forget_account(guest)

    def move(self, guest: Guest, standing: Standing, now: float) -> None:
        """Give a connection another standing, or the same one again."""
        if guest in self._guests:
            self._ranks[guest.standing].discard(guest)
            guest.standing, guest.since = standing, now
            self._ranks[standing].add(guest)

    def recognise(self, guest: Guest, account: str) -> None:
        """Take note whose a connection is, an unknown client's where `account` is empty."""
        if guest not in self._guests:
            return
        if guest.account != account:
            self._forget_account(guest)
            if account and self._accounts[account] < _ALIKE:
                guest.account = account
                self._accounts[account] += 1

    def _take(self, guest: Guest) -> None:
        self._guests[guest] = None
        self._places[guest.who] += 1
        self._ranks[guest.standing].add(guest)

    def _forget_account(self, guest: Guest) -> None:
        if guest.account:
            self._accounts[guest.account] -= 1
            if not self._accounts[guest.account]:
                del self._accounts[guest.account]
            guest.account = ""

    def _victim(self, who: str | None, now: float) -> Guest | None:
        if not (crowded := self._crowded(who)):
            return self._ranks[Standing.KNOWN].first(self._places if who is None else (who,), now)
        for standing in _UNKNOWN:
            if (guest := self._ranks[standing].first(crowded, now - _GRACE)) is not None:
                return guest
        # All of them are new: of the place with the most, the first one has had the most time.
        return next(guest for guest in self._guests if guest.standing in _UNKNOWN and guest.who == crowded[0])

    def _crowded(self, who: str | None) -> list[str]:
        """Return the places whose unknown clients can go: `who`, or the fullest and those over half as full, in order.

        A place with few is spared while others have many, however long a client there takes to say what it wants.
        """
        unknown = Counter[str]()
        for standing in _UNKNOWN:
            for place, guests in self._ranks[standing].places.items():
                unknown[place] += len(guests)
        if who is not None:
            return [who] if who in unknown else []
        most = max(unknown.values(), default=0)
        return [place for place, count in unknown.most_common() if count * 2 > most]
