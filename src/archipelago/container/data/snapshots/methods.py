"""By which method each volume gets into a snapshot, which volumes do not, and what that costs. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from archipelago.container.namespace.found import Survey
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.sizes import size_words
from archipelago.support.texts.text import joined, msg

RESERVE = 256 * 1024**2
"""Bytes of the disk that a copy leaves free: the app goes on writing."""
_RATE = 60 * 1024**2
"""Bytes a second of a plain copy, for an estimate that is rather too long; as of a card or a USB disk."""


class CopyMethod(StrEnum):
    """How a volume is copied, the best first."""

    SUBVOLUME = "subvolume"
    """A snapshot of a Btrfs subvolume: at once, whatever the size."""
    CLONE = "clone"
    """Files that share their blocks (reflinks of XFS and Btrfs): a moment for each file."""
    COPY = "copy"
    """Every byte."""


class LeftOut(StrEnum):
    """Why a volume is in no snapshot."""

    NEVER_RESTORE = "never-restore"
    """An older state of it must never run again."""
    REBUILDABLE = "rebuildable"
    """The app makes it again, and here it could only be copied byte by byte."""
    MOUNTED = "mounted"
    """It is a disk of its own, or one is mounted in it."""
    UNCOUNTED = "uncounted"
    """It has too many files to be looked at in time."""
    NESTED = "nested"
    """The app has made subvolumes in it, which a snapshot would not contain."""

    @property
    def harmless(self) -> bool:
        """Whether the app can go back without it."""
        return self in (LeftOut.NEVER_RESTORE, LeftOut.REBUILDABLE)


def missed(left_out: Mapping[str, str]) -> tuple[str, ...]:
    """Return the volumes that an app needs and that are not in a snapshot; `left_out` says why each is not."""
    known = {each.value: each for each in LeftOut}
    return tuple(sorted(name for name, why in left_out.items() if why not in known or not known[why].harmless))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A volume that is there, and may be restored."""

    name: str
    survey: Survey
    rebuildable: bool = False


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """What a snapshot of an app would be made of."""

    methods: Mapping[str, tuple[CopyMethod, ...]] = field(default_factory=dict)
    """Of each volume the methods that may be tried, the one that is expected to work first."""
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
    bytes: int = 0
    """Expected to be written by plain copies."""
    free: int = 0
    """Bytes that are free on the disk of the app before."""

    @property
    def seconds(self) -> int:
        """How long plain copies take, roughly."""
        return -(-self.bytes // _RATE)

    @property
    def leads_back(self) -> bool:
        """Whether the app can go back to a snapshot that is made so."""
        return not self.lost

    @property
    def lost(self) -> tuple[str, ...]:
        """The volumes that would be missed."""
        return missed(self.left_out)

    def require_whole(self, app: str) -> None:
        """Raise `NodeError` where the app could go back in part only."""
        if self.lost:
            raise NodeError(
                ErrorCode.FORBIDDEN,
                msg(
                    "{volumes} of {app} cannot be copied, since it is a disk, contains file systems, or has too many "
                    "files",
                    volumes=joined(self.lost, ", "),
                    app=app,
                ),
                hint=msg("files are counted for a minute: try again when the disk has less to do"),
                data={"app": app, "volumes": list(self.lost)},
            )

    @property
    def missing(self) -> int:
        """Bytes that the disk lacks."""
        return max(0, self.bytes + RESERVE - self.free) if self.bytes else 0

    def require_room(self, app: str) -> None:
        """Raise `NodeError` DISK_FULL where the copies do not fit."""
        if self.missing:
            raise NodeError(
                ErrorCode.DISK_FULL,
                msg(
                    "a copy of the data of {app} needs {size}, and {free} are free: {missing} are missing",
                    app=app,
                    size=size_words(self.bytes + RESERVE),
                    free=size_words(self.free),
                    missing=size_words(self.missing),
                ),
                hint=msg(
                    "free some space, such as by 'archipelago snapshot delete'; a disk with Btrfs or XFS needs no room "
                    "for this"
                ),
                data={"app": app, "missing": self.missing},
            )

    def cost(self, app: str) -> str:
        """Return what the owner should know before of the time and the space; nothing where it costs nothing."""
        if not self.bytes:
            return ""
        return msg(
            "{app} stops while {size} of its data are copied, about {seconds} s; {left} are free after it",
            app=app,
            size=size_words(self.bytes),
            seconds=self.seconds,
            left=size_words(max(0, self.free - self.bytes)),
        )

    def remarks(self, app: str) -> tuple[str, ...]:
        """Return what the owner should know before an update, in sentences."""
        said = [self.cost(app)] if self.bytes else []
        if kept := sorted(name for name, why in self.left_out.items() if why is LeftOut.REBUILDABLE):
            said.append(
                msg(
                    "if the update of {app} fails, {volumes} does not go back, as this disk cannot copy it at once: "
                    "the version before may have to make it again",
                    app=app,
                    volumes=joined(kept, ", "),
                )
            )
        if self.lost:
            said.append(
                msg(
                    "there is no way back if the update of {app} fails: {volumes} cannot be copied, since it is a "
                    "disk, contains file systems, or has too many files",
                    app=app,
                    volumes=joined(self.lost, ", "),
                )
            )
        return tuple(said)


def plan_copies(candidates: Iterable[Candidate], never: Iterable[str], *, clones: bool, free: int) -> CopyPlan:
    """Return how the volumes of an app get into a snapshot.

    `never` are the volumes of which no older state may run again; `clones` is whether files can share their blocks.
    """
    methods: dict[str, tuple[CopyMethod, ...]] = {}
    left_out = dict.fromkeys(never, LeftOut.NEVER_RESTORE)
    total = 0
    for each in candidates:
        found = _ways(each, clones=clones)
        if isinstance(found, LeftOut):
            left_out[each.name] = found
            continue
        methods[each.name] = found
        total += each.survey.bytes if found[0] is CopyMethod.COPY else 0
    return CopyPlan(methods, left_out, total, free)


def as_planned(ways: tuple[CopyMethod, ...]) -> tuple[CopyMethod, ...]:
    """Return the methods without a plain copy that would only be the last resort, and of which nobody knows. Pure."""
    return ways if ways[0] is CopyMethod.COPY else tuple(each for each in ways if each is not CopyMethod.COPY)


def _ways(volume: Candidate, *, clones: bool) -> tuple[CopyMethod, ...] | LeftOut:
    if volume.survey.mounted:
        return LeftOut.MOUNTED
    if not volume.survey.complete:
        return LeftOut.UNCOUNTED
    if volume.survey.other:
        return LeftOut.NESTED
    ways = [
        *([CopyMethod.SUBVOLUME] if volume.survey.subvolume else []),
        *([CopyMethod.CLONE] if clones else []),
        *([] if volume.rebuildable else [CopyMethod.COPY]),
    ]
    return tuple(ways) or LeftOut.REBUILDABLE
