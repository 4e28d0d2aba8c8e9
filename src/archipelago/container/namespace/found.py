"""What the agent finds in the place of a volume."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archipelago.storage.records.volumes import Mark

FileSign = tuple[int, ...]
"""What differs once a file was written or replaced."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is in the place of a volume."""

    mark: Mark
    empty: bool
    """Nothing is in it, or nothing but what mkfs(8) made."""
    foreign: bool
    """What is in it belongs to none of the app's user ids."""
    owner: int = 0
    """User id of the directory, in the service user's namespace."""
    chown: str = ""
    """`UID:GID` as the host counts, which the files should have."""
    read_only: bool = False
    mounted: bool = False
    """It is a disk of its own, which cannot be renamed."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a copy of a volume would take, and what keeps it from being complete."""

    bytes: int
    complete: bool = True
    """Whether all of it was looked at in time."""
    subvolume: bool = False
    """It can have snapshots of its own (Btrfs)."""
    mounted: bool = False
    """It is a disk of its own, or one is mounted in it."""
    other: str = ""
    """A directory in it that is a file system of its own, such as a subvolume that the app has made."""


def survey_of(answer: Mapping[str, Any]) -> Survey:
    """Return what the agent found."""
    mounted = bool(answer["mounts"])
    return Survey(answer["bytes"], answer["complete"], answer["subvolume"], mounted, answer["other"])


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """What is in a folder of a volume."""

    name: str
    """As the file system has it; what is not UTF-8 as surrogates."""
    kind: str
    """`file`, `folder`, `link`, or in words what else it is."""
    size: int
    """Bytes of a file."""
    modified: float
    """Seconds since 1970, as the app may have set them."""
    target: str
    """Where a link leads, cut off where that is long."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Some of the entries of a folder, by name."""

    entries: tuple[FolderEntry, ...]
    more: bool
    """Whether there are further ones."""
    complete: bool
    """Whether the folder was read to its end in time; if not, names may be missing among these."""


def listing_of(answer: Mapping[str, Any]) -> Listing | None:
    """Return what the agent found in a folder; None where there is none."""
    if not answer["there"]:
        return None
    return Listing(tuple(FolderEntry(**each) for each in answer["entries"]), answer["more"], answer["complete"])
