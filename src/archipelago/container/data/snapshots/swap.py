"""Which directory is renamed next while the volumes of a snapshot take the place of those in use. Pure.

Each rename is whole or not done, and what is on the disk says which were. So this goes on after a crash by itself, and
nothing is ever deleted or overwritten.
"""

from collections.abc import Set
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VolumePlaces:
    """The names of the volumes in each place."""

    used: Set[str]
    """Where the app has them."""
    aside: Set[str]
    """In the snapshot that what was in use becomes."""
    source: Set[str]
    """In the snapshot that comes back."""


@dataclass(frozen=True, slots=True)
class MoveAside:
    """Rename a volume in use into the snapshot that it becomes."""

    volume: str


@dataclass(frozen=True, slots=True)
class MoveBack:
    """Rename a volume of the snapshot to where the app has it."""

    volume: str


class TwiceError(Exception):
    """A volume was set aside, and another one is in its place: something else has changed it meanwhile."""


def next_move(wanted: Set[str], untouched: Set[str], places: VolumePlaces) -> MoveAside | MoveBack | None:
    """Return the next rename, None once everything is in its place. Raises `TwiceError`.

    `wanted` are the volumes that the snapshot had at first, and `untouched` those that it never had and that stay.
    """
    for volume in sorted(wanted & places.source):
        if volume not in places.used:
            return MoveBack(volume)
        return _aside(volume, places)
    for volume in sorted(places.used - wanted - untouched):
        return _aside(volume, places)
    return None


def _aside(volume: str, places: VolumePlaces) -> MoveAside:
    if volume in places.aside:
        raise TwiceError(volume)
    return MoveAside(volume)
