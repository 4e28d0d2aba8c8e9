"""How long somebody waits who gave a wrong password: longer each time. Pure.

Each lane waits for its own failures alone. What a lane is says `attempts`: a network, a device, a session.
"""

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

_LANES = 1024
"""Most lanes that are remembered; the one that failed longest ago is forgotten first."""
_QUIET = 60.0


@dataclass(slots=True)
class _Failures:
    count: int = 0
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Counted:
    """A failure that was counted before anybody knew that it is one."""

    lane: str
    until: float
    """Until when the lane waits because of it."""
    before: float
    """Until when it waited before."""


class Backoff:
    """Counts failures. Times are seconds of a clock that never jumps.

    The first `free` failures of a lane cost nothing, each further one twice as long as the one before, up to `longest`;
    after a quiet time of twice the last wait all is forgotten.
    """

    def __init__(self, *, free: int = 3, longest: float = 900.0) -> None:
        self._free, self._longest = free, longest
        self._lanes: OrderedDict[str, _Failures] = OrderedDict()

    def wait(self, lane: str, now: float) -> float:
        """Return seconds for which a lane must not try; 0 when it may."""
        return max(0.0, self._lanes.get(lane, _Failures()).until - now)

    def fail(self, lane: str, now: float) -> Counted:
        """Count a failure. Count it before the password is looked at: attempts at the same time count each."""
        own = self._lanes.setdefault(lane, _Failures())
        self._lanes.move_to_end(lane)
        if len(self._lanes) > _LANES:
            self._lanes.popitem(last=False)
        if own.count and now - own.until > max(2 * self._pause(own.count), _QUIET):
            own.count = 0
        before, own.count = own.until, own.count + 1
        own.until = now + self._pause(own.count)
        return Counted(lane, own.until, before)

    def take_back(self, counted: Counted) -> None:
        """Count one failure less: it was none. Failures before it stay, so nobody buys guesses by logins of his own."""
        own = self._lanes.get(counted.lane)
        if own is None or not own.count:
            return
        own.count -= 1
        if own.until == counted.until:
            own.until = counted.before
        if not own.count:
            del self._lanes[counted.lane]

    def forget(self, lane: str) -> None:
        """Forget the failures of a lane."""
        self._lanes.pop(lane, None)

    def _pause(self, count: int) -> float:
        return min(2.0 ** min(count - self._free, 60), self._longest) if count > self._free else 0.0


def network_of(address: str) -> str:
    """Return what one attacker has: an IPv4 address, or a /64 of IPv6 (RFC 6177)."""
    try:
        found = ip_address(address)
    except ValueError:
        return address[:100]
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return f"{IPv6Address(int(found) >> 64 << 64)}/64"
    return str(found)


def is_loopback(address: str) -> bool:
    """Return whether an address is one of this machine alone, of which each program here has 2^24 (RFC 1122)."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback
