"""Which apps are paused because programs wait for memory. Pure.

`some avg10` of the kernel's pressure stall information is the percentage of the last ten seconds in which at least one
program waited for memory (https://docs.kernel.org/accounting/psi.html).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from archipelago.performance.resource_manager.pause_order import Rank, RankedApp

HIGH_PRESSURE = 20.0
"""Percent from which on an app is paused, if it lasts."""
_CALM = 5.0
"""Percent below which one comes back, if it lasts."""
_LASTING = 10.0
"""Seconds for which the pressure must be high before each app that is paused."""
_PATIENCE = 60.0
"""Seconds of calm before each app that comes back; twice as many after each time that it was too early."""
_LONGEST_PATIENCE = 3600.0


@dataclass(frozen=True, slots=True)
class MemoryPause:
    """What was decided at the last look; times are of a clock that never jumps, in seconds."""

    apps: tuple[str, ...] = ()
    """Apps that are paused, in the order in which they were."""
    high_since: float | None = None
    calm_since: float | None = None
    patience: float = _PATIENCE
    returned_at: float | None = None
    """When the last app came back."""

    def after(
        self, now: float, pressure: float | None, order: Sequence[RankedApp], running: frozenset[str]
    ) -> "MemoryPause":
        """Return what follows from another look.

        `pressure` is `some avg10`, None where the kernel does not say: then nothing is paused. Only background apps of
        `order` that are `running` are.
        """
        background = [each.app for each in order if each.rank is Rank.BACKGROUND]
        if pressure is None:
            return MemoryPause()
        kept = replace(self, apps=tuple(app for app in self.apps if app in background))
        if pressure > HIGH_PRESSURE:
            return kept._under_pressure(now, [app for app in background if app in running and app not in kept.apps])
        if pressure < _CALM:
            return kept._in_calm(now)
        return replace(kept, high_since=None, calm_since=None)

    def _under_pressure(self, now: float, candidates: Sequence[str]) -> "MemoryPause":
        since = now if self.high_since is None else self.high_since
        if now - since < _LASTING or not candidates:
            return replace(self, high_since=since, calm_since=None)
        early = self.returned_at is not None and now - self.returned_at < 2 * self.patience
        patience = min(2 * self.patience, _LONGEST_PATIENCE) if early else self.patience
        return replace(
            self, apps=(*self.apps, candidates[0]), high_since=now, calm_since=None, patience=patience, returned_at=None
        )

    def _in_calm(self, now: float) -> "MemoryPause":
        since = now if self.calm_since is None else self.calm_since
        if now - since < self.patience:
            return replace(self, high_since=None, calm_since=since)
        if not self.apps:
            # It was calm with all apps running: what was too early once no longer counts.
            return replace(self, high_since=None, calm_since=since, patience=_PATIENCE, returned_at=None)
        return replace(self, apps=self.apps[:-1], high_since=None, calm_since=now, returned_at=now)
