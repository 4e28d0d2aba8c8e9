"""Bounds what goes on for as long as a client likes: streams, subscriptions and terminals."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.access import Caller
from archipelago.storage.records.permissions import Permission
from archipelago.support.texts.text import msg


class Places:
    """Counts what is open: at most `total`, `each` per account, and for all who are no owners half of the total."""

    def __init__(self, what: str, total: int, each: int) -> None:
        self._what = what
        self._total = total
        self._each = each
        self._open: Counter[str] = Counter()
        self._owners = 0

    def __len__(self) -> int:
        return self._open.total()

    @contextmanager
    def take(self, caller: Caller) -> Iterator[None]:
        """Keep a place for as long as this lasts; raises `NodeError` where there is none."""
        is_owner = Permission.ADMINISTER in caller.permissions
        others = len(self) - self._owners
        if len(self) >= self._total or (not is_owner and others >= self._total // 2):
            raise NodeError(
                ErrorCode.BUSY,
                msg("{count} {what} are open already", count=len(self), what=self._what),
                hint=msg("close one of them"),
            )
        if self._open[caller.name] >= self._each:
            raise NodeError(
                ErrorCode.BUSY,
                msg("you have {each} {what} open already", each=self._each, what=self._what),
                hint=msg("close one of them"),
            )
        self._open[caller.name] += 1
        self._owners += is_owner
        try:
            yield
        finally:
            self._owners -= is_owner
            self._open[caller.name] -= 1
            if not self._open[caller.name]:
                del self._open[caller.name]
