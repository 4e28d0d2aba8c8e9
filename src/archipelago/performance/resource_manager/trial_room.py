"""When a trial run has to end, so that no app is paused, and no snapshot deleted, for the room that it takes. Pure.

A trial can be repeated at any time, so it goes first: before the disk gets to the next level, and as soon as programs
wait for memory, while an app is paused only where that lasts.
"""

from dataclasses import dataclass, replace

from archipelago.errors import ErrorCode, NodeError
from archipelago.performance.resource_manager.disk_level import DiskLevel, entered_below
from archipelago.performance.resource_manager.memory_pause import HIGH_PRESSURE
from archipelago.performance.resource_manager.pauses import HostRoom
from archipelago.support.texts.sizes import size_words
from archipelago.support.texts.text import msg

_MARGIN = 1.1
"""By how much more must stay free than at the next level: the disk fills on while a trial is being ended."""


_PATIENCE = 10.0
"""Seconds that trials get to end: their containers are killed. If a copy takes longer to delete, apps are paused."""
_REMEMBERED = 20.0
"""Seconds after which the average of ten is below the mark, even where all programs had waited for memory."""


@dataclass(frozen=True, slots=True)
class TrialEnds:
    """What is known of the ends of trials; times are of a clock that never jumps, in seconds."""

    since: float | None = None
    """When the first was ended of which something is left."""
    last: float | None = None
    """When that was so for the last time."""

    def after(self, now: float, *, ending: bool) -> "TrialEnds":
        """Return what follows from another look; `ending` is whether something is left of a trial that was ended."""
        if not ending:
            return replace(self, since=None)
        return TrialEnds(since=now if self.since is None else self.since, last=now)

    def come_first(self, now: float) -> bool:
        """Return whether no app is paused yet: a trial took the room, and is being ended."""
        return self.since is not None and now - self.since < _PATIENCE

    def forgotten(self, now: float, room: HostRoom) -> HostRoom:
        """Return what is left of the host, without what the kernel remembers of a trial that has ended."""
        if room.memory_pressure is None or self.last is None or now - self.last > _REMEMBERED:
            return room
        return replace(room, memory_pressure=min(room.memory_pressure, HIGH_PRESSURE))


def least_free(room: HostRoom) -> int:
    """Return the bytes of the disk that a trial must leave free which starts now."""
    marks = [int(_MARGIN * entered_below(level, room.disk_total)) for level in (DiskLevel.LITTLE, DiskLevel.SCARCE)]
    return next((mark for mark in marks if room.disk_free > mark), marks[-1])


def no_room(app: str, least: int, room: HostRoom) -> NodeError | None:
    """Return why a trial of an app cannot go on, or start, that must leave `least` bytes of the disk free."""
    if room.disk_free < least:
        return NodeError(
            ErrorCode.DISK_FULL,
            msg(
                "no copy of {app} can run now: {free} of the disk are free, and {least} must stay for the apps",
                app=app,
                free=size_words(room.disk_free),
                least=size_words(least),
            ),
            hint=msg("free some space, then try again"),
            data={"free": room.disk_free, "needed": least},
        )
    if room.memory_pressure is not None and room.memory_pressure > HIGH_PRESSURE:
        return NodeError(
            ErrorCode.BUSY,
            msg("no copy of {app} can run now: programs wait for memory, and the apps come first", app=app),
            hint=msg("stop an app that you do not need now, or try again later"),
        )
    return None
