"""Attempts at passwords and codes: whom a wrong one costs. Pure but for the clock that is passed in.

Whoever guesses pays, and nobody else: a session, a device that logged in before and a network each have a lane of their
own, and the node's own socket needs none. All unknown clients together have a limit as well, since a botnet has many
addresses; that bounds what they find out in a day, and delays nobody who is known.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.login.guessing.backoff import Backoff, is_loopback, network_of
from archipelago.security.login.guessing.marks import Device
from archipelago.security.login.guessing.rate_limit import Rate, RateLimit
from archipelago.support.texts.text import msg

_UNKNOWN = Rate(0.1, 300)
"""Attempts a second of all unknown clients together, and how many at once: a fortnight of guesses is 121,260."""
_LOCAL = Rate(0.05, 200)
"""The same on the loopback interface, where they have an address for each guess (127.0.0.0/8): they leave something to
those on the network."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where an attempt comes from."""

    origin: str
    """Address, or what stands for the node's own socket."""
    agent: str = ""
    session: str = ""
    """Key of the caller's session or token; empty where there is none."""
    device: Device | None = None
    """As its mark proves."""
    trusted: bool = False
    """Whether the kernel says that it is the owner."""


@dataclass(slots=True)
class Attempt:
    """One attempt, which counts as failed until it is known to be none."""

    known: bool
    """Whether whoever makes it has logged in before: unknown clients do not stand in his way."""
    failed: bool = True
    partial: bool = False
    """Whether what was given is right, but not yet all: failures before it stay, for they were at what is missing."""


class Attempts:
    """Counts attempts. `steady` gives seconds of a clock that never jumps."""

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._known, self._unknown = Backoff(), Backoff()
        self._all = RateLimit()

    @contextmanager
    def attempt(self, source: Source, account: str, *, logged_in: bool = False) -> Iterator[Attempt]:
        """Count an attempt at an account as failed before it is looked at, or refuse it.

        `logged_in` says that the caller's session is one of this account, and that a success starts no other: else
        each login of somebody's own would bring new guesses at the account of another. Within the block `failed` is
        set to False where the attempt turns out to be right, and `partial` to True where more must be shown.
        """
        if source.trusted:
            yield Attempt(known=True)
            return
        now = self._steady()
        lanes = self._lanes(source, account, logged_in)
        waits = [backoff.wait(lane, now) for lane, backoff in lanes]
        wait = min(waits)
        lane, backoff = lanes[waits.index(wait)]
        known = backoff is self._known
        if wait <= 0 and not known:
            wait = self._take_from_all(source.origin, now)
        if wait > 0:
            raise NodeError(
                ErrorCode.TOO_MANY,
                msg("too many attempts: wait {wait} s", wait=f"{wait:.0f}"),
                hint=msg("on the node itself, 'archipelago password' sets a new password at once"),
                data={"retry_after": round(wait, 1)},
            )
        counted, made = backoff.fail(lane, now), Attempt(known)
        try:
            yield made
        finally:
            if not made.failed:
                backoff.take_back(counted)
                if known and not made.partial:
                    backoff.forget(lane)  # it is one person's own

    def _take_from_all(self, origin: str, now: float) -> float:
        if is_loopback(origin) and (wait := self._all.take("local", _LOCAL, now)) > 0:
            return wait
        return self._all.take("unknown", _UNKNOWN, now)

    def _lanes(self, source: Source, account: str, logged_in: bool) -> list[tuple[str, Backoff]]:
        """Return the lanes that are open to an attempt: whoever stole a mark does not hold its owner up either."""
        lanes = [(network_of(source.origin), self._unknown)]
        if logged_in and source.session:
            lanes.insert(0, (f"session {source.session}", self._known))
        elif source.device is not None and source.device.user == account:
            lanes.insert(0, (f"device {source.device.id}", self._known))
        return lanes
