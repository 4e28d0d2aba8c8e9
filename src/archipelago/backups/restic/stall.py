"""Notices that restic has stopped making progress: it may hang where a target fills up."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from archipelago.backups.restic.says import ByteCount
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg


@dataclass
class StallWatch:
    """Compares the progress that restic reports."""

    patience: float
    """Seconds in which it has to make progress."""
    where: str
    """For people."""
    steady: Callable[[], float] = time.monotonic
    _newest: ByteCount | None = None
    _since: float = 0.0

    def require_progress(self, count: ByteCount) -> None:
        """Raise `NodeError` where it has reported the same for longer than that."""
        now = self.steady()
        if count != self._newest:
            self._newest, self._since = count, now
        elif now - self._since > self.patience:
            raise NodeError(
                ErrorCode.TIMEOUT,
                msg(
                    "nothing was written to {where} for {minutes} min",
                    where=self.where,
                    minutes=int(self.patience // 60),
                ),
                hint=msg("look whether the target has room and can be reached; the next attempt is made by itself"),
            )
