"""Whether a volume is the one that the node made: pure decisions about what was found on the disk.

A volume that is gone is no new one. A directory that stands where a disk is not mounted looks like a new volume too, so
the node remembers the directory itself. The mark is kept in the state database and not in the volume: programs refuse
to start in a directory that is not empty, and an app could forge or delete a mark in its own volume.
"""

from dataclasses import dataclass
from enum import StrEnum

from archipelago.container.namespace.found import Found
from archipelago.storage.records.volumes import Mark
from archipelago.support.texts.text import msg


class VolumeVerdict(StrEnum):
    """What a volume is."""

    NEW = "new"
    """It was never there."""
    SAME = "same"
    MOVED = "moved"
    """Another directory with data in it, such as a copy on a larger disk; the node takes it for the volume."""
    GONE = "gone"
    """It was there, and nothing is."""
    EMPTY = "empty"
    """It was there; now another directory is, with nothing in it: its disk is not mounted, or was replaced."""
    FOREIGN = "foreign"
    """Its files belong to user ids that are not the app's."""

    @property
    def lost(self) -> bool:
        """Whether data that was there is not."""
        return self in (VolumeVerdict.GONE, VolumeVerdict.EMPTY)

    @property
    def usable(self) -> bool:
        """Whether the app may run with it."""
        return not self.lost and self is not VolumeVerdict.FOREIGN


def judge(known: Mark | None, found: Found | None) -> VolumeVerdict:
    """Return what a volume is, from what the node remembers of it and what is there now."""
    if found is None:
        return VolumeVerdict.NEW if known is None else VolumeVerdict.GONE
    if found.foreign and not found.empty:
        return VolumeVerdict.FOREIGN
    if known is None:
        return VolumeVerdict.NEW
    if found.mark == known:
        return VolumeVerdict.SAME
    return VolumeVerdict.EMPTY if found.empty else VolumeVerdict.MOVED


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an app cannot run with a volume."""

    volume: str
    path: str
    verdict: VolumeVerdict
    chown: str = ""

    @property
    def what(self) -> str:
        """What is wrong, in a sentence without its end."""
        match self.verdict:
            case VolumeVerdict.GONE:
                return msg("the volume '{volume}' was there, and is gone: {path}", volume=self.volume, path=self.path)
            case VolumeVerdict.EMPTY:
                return msg(
                    "the volume '{volume}' held data, and an empty directory is in its place: {path}",
                    volume=self.volume,
                    path=self.path,
                )
            case _:
                return msg(
                    "the files of the volume '{volume}' belong to user ids that are not the app's: {path}",
                    volume=self.volume,
                    path=self.path,
                )

    def remedy(self, app: str) -> str:
        """What the owner can do."""
        if self.verdict.lost:
            return msg(
                "mount its disk or bring the folder back, and the app goes on by itself; to give "
                "the data up: archipelago data start-empty {app}",
                app=app,
            )
        return msg(
            "give them to the app, and it goes on by itself: sudo chown -R {chown} {path}",
            chown=self.chown,
            path=self.path,
        )
