"""Which apps have filled the part of the disk that they may take. Pure.

The kernel could enforce such a limit (quota groups of Btrfs, project quotas of XFS and ext4), but only root may set
one. So the volumes are counted now and then, and an app that has grown beyond its limit is paused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

_NEAR = 0.9
"""Part of the limit from which on the owner is warned."""
_BACK = 0.95
"""Part of the limit to which an app that was paused must have shrunk, or the limit grown."""


class QuotaLevel(IntEnum):
    """How full the part of the disk is that an app may take."""

    WITHIN = 0
    NEAR = 1
    """The owner is warned."""
    OVER = 2
    """The app is paused, unless money depends on it."""


def quota_level(used: int, limit: int, before: QuotaLevel = QuotaLevel.WITHIN) -> QuotaLevel:
    """Return the level of an app, in bytes; `before` is what the last look returned."""
    if used > limit or (before is QuotaLevel.OVER and used > _BACK * limit):
        return QuotaLevel.OVER
    return QuotaLevel.NEAR if used > _NEAR * limit else QuotaLevel.WITHIN


@dataclass(frozen=True, slots=True)
class DiskQuotas:
    """What was found at the last look."""

    levels: Mapping[str, QuotaLevel] = field(default_factory=dict)
    """Of apps that have a limit and were counted."""

    def after(self, used: Mapping[str, int], limits: Mapping[str, int]) -> "DiskQuotas":
        """Return what follows from another look: bytes by app, those counted last and those that are allowed."""
        return DiskQuotas(
            {
                app: quota_level(used[app], limit, self.levels.get(app, QuotaLevel.WITHIN))
                for app, limit in limits.items()
                if app in used
            }
        )

    def at(self, level: QuotaLevel) -> frozenset[str]:
        """Return the apps that are at a level."""
        return frozenset(app for app, found in self.levels.items() if found is level)
