"""How long somebody waits who gave a wrong password: longer each time, by address and for all together. Pure.

The owner on the unix socket is never asked, so nobody can lock him out.
"""

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

_ADDRESSES = 1024
"""Most addresses that are remembered; the one that failed longest ago is forgotten first."""


@dataclass(slots=True)
class _Failures:
    count: int = 0
    until: float = 0.0


class Backoff:
    """Counts failures. Times are seconds of any steady clock.

    The first `free` failures of an address cost nothing, each further one twice as long as the one before, up to
    `longest`; after a quiet time of twice the last wait all is forgotten. The same holds for all addresses together,
    with `free_for_all` and `longest_for_all`: a botnet has many addresses.
    """

    def __init__(
        self, *, free: int = 3, longest: float = 900.0, free_for_all: int = 30, longest_for_all: float = 30.0
    ) -> None:
        self._free, self._longest = free, longest
        self._free_for_all, self._longest_for_all = free_for_all, longest_for_all
        self._addresses: OrderedDict[str, _Failures] = OrderedDict()
        self._all = _Failures()

    def wait(self, address: str, now: float) -> float:
        """Return seconds for which an address must not try; 0 when it may."""
        own = self._addresses.get(_network(address), _Failures())
        return max(0.0, own.until - now, self._all.until - now)

    def fail(self, address: str, now: float) -> None:
        """Count a failure. Count it before the password is looked at: attempts at the same time count each."""
        key = _network(address)
        own = self._addresses.setdefault(key, _Failures())
        self._addresses.move_to_end(key)
        if len(self._addresses) > _ADDRESSES:
            self._addresses.popitem(last=False)
        _count(own, self._free, self._longest, now)
        _count(self._all, self._free_for_all, self._longest_for_all, now)

    def succeed(self, address: str) -> None:
        """Forget the failures of an address."""
        self._addresses.pop(_network(address), None)


def _count(failures: _Failures, free: int, longest: float, now: float) -> None:
    quiet = now - failures.until
    last = _pause(failures.count, free, longest)
    if failures.count and quiet > max(2 * last, 60.0):
        failures.count = 0
    failures.count += 1
    failures.until = now + _pause(failures.count, free, longest)


def _pause(count: int, free: int, longest: float) -> float:
    return min(2.0 ** min(count - free, 60), longest) if count > free else 0.0


def _network(address: str) -> str:
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
