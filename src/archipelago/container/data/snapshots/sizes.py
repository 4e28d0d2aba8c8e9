"""What snapshots take on the disk. A snapshot that is complete does not change, so it is counted once."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from archipelago.container.namespace.client import Namespace
from archipelago.storage.layout import Layout


@dataclass(frozen=True, slots=True)
class SnapshotSize:
    """What was counted of a snapshot, or of several."""

    bytes: int
    """Those that it shares with other data included."""
    complete: bool
    """Whether all of it was counted in time; if not, it takes more."""


@dataclass(frozen=True, slots=True)
class SnapshotUse:
    """What all snapshots of an app take."""

    size: SnapshotSize
    may_share: bool
    """Whether their blocks may be those of the volumes or of each other: then `size` is the most that they take."""


class SnapshotSizes:
    """Counts, and remembers what was counted whole until `forget`."""

    def __init__(self, layout: Layout, namespace: Namespace, steady: Callable[[], float] = time.monotonic) -> None:
        """`steady` is a clock that never jumps, in seconds."""
        self._layout = layout
        self._namespace = namespace
        self._steady = steady
        self._counted: dict[tuple[str, str], int] = {}
        self._forgotten: Counter[tuple[str, str]] = Counter()

    async def of(
        self, app: str, names: Iterable[str], seconds: float, *, gentle: bool = False
    ) -> dict[str, SnapshotSize]:
        """Return the size of each snapshot, as far as they can be counted in so many seconds together.

        Raises `NodeError`.
        """
        deadline = self._steady() + seconds
        return {name: await self._one(app, name, deadline - self._steady(), gentle=gentle) for name in names}

    async def _one(self, app: str, name: str, seconds: float, *, gentle: bool) -> SnapshotSize:
        key = (app, name)
        if (known := self._counted.get(key)) is not None:
            return SnapshotSize(known, complete=True)
        if seconds <= 0:
            return SnapshotSize(0, complete=False)
        before = self._forgotten[key]
        path = str(self._layout.app(app).snapshot(name).path)
        size, complete = await self._namespace.size(path, seconds, gentle=gentle)
        if complete and self._forgotten[key] == before:
            self._counted[key] = size
        return SnapshotSize(size, complete)

    def forget(self, app: str, *names: str) -> None:
        """Count snapshots again that were changed or deleted; a count that goes on meanwhile is not remembered."""
        for name in names:
            self._counted.pop((app, name), None)
            self._forgotten[app, name] += 1
