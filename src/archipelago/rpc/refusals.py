"""Has refusals written to the audit log; of many from one address only some, with the number of the others."""

import time
from collections.abc import Awaitable, Callable

from archipelago.security.audit_chain import Deed, Outcome
from archipelago.security.login.rate_limit import Rate, RateLimit

_NOTED = Rate(1 / 60, 10)
"""How often refusals of an address are written down: they must not fill the disk."""


class Refusals:
    """Notes who was refused what."""

    def __init__(self, record: Callable[[Deed], Awaitable[int]]) -> None:
        self._record = record
        self._rates = RateLimit()
        self._unnoted = 0

    async def note(self, who: str, origin: str, action: str, detail: str, *, kind: str = "") -> None:
        """Write down that `who`, at the address `origin`, was refused an action. Raises `NodeError`.

        Of refusals of a `kind`, where there is one, only some are.
        """
        if kind:
            if self._rates.take(f"{kind} {origin}", _NOTED, time.monotonic()) > 0:
                self._unnoted += 1
                return
            if self._unnoted:
                detail, self._unnoted = f"{detail}; {self._unnoted} more were refused before", 0
        await self._record(Deed(who=who, origin=origin, action=action, outcome=Outcome.REFUSED, detail=detail))
