"""Whether the memory that apps are promised fits the host. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from archipelago.container.manifest.model.scalars import AppId

NODE_MEMORY = 512 * 1024**2
"""Bytes for the daemon, Podman, a monitor for each container, and the kernel."""


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """What was promised to apps that run at the same time, in bytes."""

    host: int
    """Memory of the host."""
    limits: Mapping[AppId, int]
    """What the containers of each app may take together."""

    @property
    def promised(self) -> int:
        """Return what the apps and the node may take together."""
        return NODE_MEMORY + sum(self.limits.values())

    @property
    def missing(self) -> int:
        """Return how much more is promised than the host has; 0 where all of it fits."""
        return max(0, self.promised - self.host)

    @property
    def largest(self) -> tuple[AppId, ...]:
        """Return the apps, the one with the highest limit first."""
        return tuple(sorted(self.limits, key=lambda app: (-self.limits[app], app)))

    def to_stop(self, candidates: Collection[AppId]) -> tuple[AppId, ...]:
        """Return which of the candidates make all others fit when they are stopped; empty where even all do not.

        It is one app where one is enough, the smallest of those; else the largest ones.
        """
        offered = [app for app in self.largest if app in candidates]
        if enough := [app for app in offered if self.limits[app] >= self.missing]:
            return (enough[-1],) if self.missing else ()
        found: list[AppId] = []
        for app in offered:
            found.append(app)
            if sum(self.limits[each] for each in found) >= self.missing:
                return tuple(found)
        return ()
