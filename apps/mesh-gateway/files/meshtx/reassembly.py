"""Puts messages together from fragments that come in any order, with bounds on memory and time. Pure."""

from dataclasses import dataclass, field

from meshtx.erasure import MOST_FRAGMENTS, MOST_PARTS, restored
from meshtx.frames import EVERYTHING, Data, name_of

_FRAGMENT_COST = 120
"""Bytes of memory that a fragment takes beside its payload."""


@dataclass(slots=True)
class Partial:
    """Fragments of one message of one sender."""

    length: int
    size: int
    """Bytes of each fragment."""
    began: float
    fragments: dict[int, bytes] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many fragments are needed."""
        return -(-self.length // self.size)

    @property
    def missing(self) -> int:
        """How many more fragments are needed."""
        return max(0, self.count - len(self.fragments))

    @property
    def cost(self) -> int:
        """Bytes of memory, about."""
        return _FRAGMENT_COST + sum(len(each) + _FRAGMENT_COST for each in self.fragments.values())


Key = tuple[bytes, bytes]
"""A sender, and the name of a message."""


@dataclass(slots=True)
class Reassembly:
    """All messages that are not whole yet.

    Where memory is short, the oldest message of the sender that takes the most of it goes: a flood drops its own.
    """

    most_bytes: int
    most_for_each: int
    """Messages of one sender at a time."""
    time_out: float
    """Seconds after which a message that is not whole is forgotten."""
    cost: int = 0
    _partials: dict[Key, Partial] = field(default_factory=dict)
    """By age."""

    def add(self, sender: bytes, data: Data, now: float) -> None:
        """Keep a fragment. One that contradicts an earlier one of the message begins it anew."""
        size = len(data.payload)
        count = -(-data.length // size)
        if count > MOST_PARTS or data.index >= MOST_FRAGMENTS:
            return
        key = (sender, data.name)
        found = self._partials.get(key)
        if found is None or (found.length, found.size) != (data.length, size):
            self._drop(key)
            self._make_room(sender)
            found = self._partials[key] = Partial(data.length, size, now)
            self.cost += found.cost
        if found.missing and data.index not in found.fragments:
            found.fragments[data.index] = data.payload
            self.cost += size + _FRAGMENT_COST
        while self.cost > self.most_bytes:
            self._drop(self._victim())

    def missing(self, sender: bytes, name: bytes) -> int:
        """Return how many fragments a message still needs; `EVERYTHING` where nothing of it is here."""
        found = self._partials.get((sender, name))
        return EVERYTHING if found is None else found.missing

    def whole(self, sender: bytes, name: bytes) -> bytes | None:
        """Return a message that can be put together, or None. What does not fit its name is forgotten."""
        found = self._partials.get((sender, name))
        if found is None or found.missing:
            return None
        message = restored(found.fragments, found.count, found.size, found.length)
        if name_of(message) == name:
            return message
        self._drop((sender, name))
        return None

    def forget(self, sender: bytes, name: bytes) -> None:
        """Forget what is here of a message."""
        self._drop((sender, name))

    def expire(self, now: float) -> int:
        """Forget messages that took too long, and return how many."""
        old = [key for key, partial in self._partials.items() if partial.began + self.time_out <= now]
        for key in old:
            self._drop(key)
        return len(old)

    def __len__(self) -> int:
        return len(self._partials)

    def _make_room(self, sender: bytes) -> None:
        own = [key for key in self._partials if key[0] == sender]
        if len(own) >= self.most_for_each:
            self._drop(own[0])

    def _victim(self) -> Key:
        costs: dict[bytes, int] = {}
        for (sender, _), partial in self._partials.items():
            costs[sender] = costs.get(sender, 0) + partial.cost
        greedy = max(costs, key=lambda sender: costs[sender])
        return next(key for key in self._partials if key[0] == greedy)

    def _drop(self, key: Key) -> None:
        found = self._partials.pop(key, None)
        if found is not None:
            self.cost -= found.cost
