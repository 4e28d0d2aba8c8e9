"""Has refusals written to the audit log: the first few as they are, all others added up, once a minute.

Whoever is refused could otherwise fill the log, and the disk, with nothing but that.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

import structlog

from archipelago.errors import NodeError
from archipelago.security.audit.chain import NOBODY, SEVERAL, AuditAction, Outcome
from archipelago.security.login.guessing.rate_limit import Rate, RateLimit

_FROM_ONE = Rate(1 / 60, 10)
"""How often what one address, or one account, is refused of one kind is written down as it is."""
_FROM_ALL = Rate(1 / 60, 200)
_ALL = "all"
_SUM_UP_EVERY = 60.0
_MOST_PLACES = 8
"""Places that a sum names; those beyond are added up."""
_MOST_KEPT = 256
_ELSEWHERE = "elsewhere"
_MOST_ACTIONS = 4


class Kind(StrEnum):
    """What was refused: many of one kind hide none of another."""

    HTTP = "http"
    """Before it was looked at what the caller wants."""
    MALFORMED = "malformed"
    FORBIDDEN = "forbidden"
    ATTEMPT = "attempt"
    """A login, or whatever else anybody may try."""


Record = Callable[[AuditAction], Awaitable[int]]


@dataclass(slots=True)
class _Sum:
    """What one place was refused since the last time that it was written down."""

    first: float
    last: float
    count: int = 0
    actions: dict[str, None] = field(default_factory=dict)

    def add(self, at: float, action: str) -> None:
        self.last = at
        self.count += 1
        if len(self.actions) < _MOST_ACTIONS:
            self.actions[action] = None

    def __str__(self) -> str:
        times = "once" if self.count == 1 else f"{self.count} times"
        return f"{times}, {_clock(self.first)} to {_clock(self.last)}: {', '.join(self.actions)}"


class RefusalSums:
    """Adds refusals up by where they come from. Times are seconds since 1970."""

    def __init__(self) -> None:
        self._sums: OrderedDict[str, _Sum] = OrderedDict()

    def add(self, place: str, action: str, at: float) -> None:
        """Count a refusal."""
        if place not in self._sums and len(self._sums) >= _MOST_KEPT:
            place = _ELSEWHERE
        self._sums.setdefault(place, _Sum(at, at)).add(at, action)

    def take(self) -> AuditAction | None:
        """Return what is to be written down of all, and start again; None where there is nothing."""
        if not self._sums:
            return None
        sums, self._sums = self._sums, OrderedDict()
        found = sorted(sums.items(), key=lambda item: -item[1].count)
        subject = {place: str(each) for place, each in found[:_MOST_PLACES]}
        if rest := found[_MOST_PLACES:]:
            subject["others"] = f"{sum(each.count for _, each in rest)} times from {len(rest)} places"
        total = sum(each.count for each in sums.values())
        return AuditAction(
            who=SEVERAL,
            origin=found[0][0] if len(found) == 1 else "",
            action="refusals",
            subject=subject,
            outcome=Outcome.REFUSED,
            detail=f"{total} in all",
        )


class Refusals:
    """Notes who was refused what."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._rates = RateLimit()
        self._sums = RefusalSums()
        self._log = structlog.get_logger("refusals")

    def may_be_told(self, who: str, origin: str, kind: Kind) -> bool:
        """Return whether what this caller tries next may be written down as it is, and count that."""
        now = time.monotonic()
        # Not by account and address: an account has as many addresses as it likes, and an unknown client no account.
        return (
            self._rates.take(f"{kind} {origin if who == NOBODY else who}", _FROM_ONE, now) == 0
            and self._rates.take(_ALL, _FROM_ALL, now) == 0
        )

    async def note(self, who: str, origin: str, action: str, detail: str, kind: Kind) -> None:
        """Write down that `who`, at the address `origin`, was refused an action, or count it; never raises."""
        if self.may_be_told(who, origin, kind):
            try:
                await self._record(
                    AuditAction(who=who, origin=origin, action=action, outcome=Outcome.REFUSED, detail=detail)
                )
                return
            except NodeError as error:
                self._log.warning("a refusal is not in the audit log", error=str(error))
        self.count(who, origin, action)

    def count(self, who: str, origin: str, action: str) -> None:
        """Count a refusal, without writing it down now."""
        self._sums.add(origin if who == NOBODY else f"{who} at {origin}", action, time.time())

    async def keep_summing_up(self) -> None:
        """Write down once a minute what was counted, until cancelled."""
        while True:
            await asyncio.sleep(_SUM_UP_EVERY)
            await self.sum_up()

    async def sum_up(self) -> None:
        """Write down what was counted; where that cannot be, it is lost: nobody else has to do without for it."""
        audited = self._sums.take()
        if audited is not None:
            try:
                await self._record(audited)
            except NodeError as error:
                self._log.warning("refusals are not in the audit log", error=str(error), refused=audited.detail)


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S")
