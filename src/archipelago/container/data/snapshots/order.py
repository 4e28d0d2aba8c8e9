"""A snapshot that is to be made, and what is written about it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archipelago.container.data.data_classes import funds_volumes
from archipelago.container.data.kept import stamped_at
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.snapshots import SnapshotKind, SnapshotRecord


@dataclass(frozen=True, slots=True)
class SnapshotOrder:
    """A snapshot that is to be taken."""

    name: str
    """The time, as `stamp` makes it."""
    kind: SnapshotKind
    next_package: str = ""
    together: tuple[str, ...] = ()


def describe_snapshot(
    records: Sequence[AppRecord],
    order: SnapshotOrder,
    number: int,
    volumes: Mapping[str, str],
    left_out: Mapping[str, str],
) -> SnapshotRecord:
    """Return what a snapshot is. The first record is that of the app; the others know its data as well."""
    package = records[0].package
    others = (each.package.manifest for each in records[1:])
    return SnapshotRecord(
        kind=order.kind,
        at=stamped_at(order.name),
        number=number,
        version=package.manifest.version,
        package=package.package_digest(),
        volumes=volumes,
        left_out={name: str(why) for name, why in left_out.items()},
        funds=any(name in volumes for name in funds_volumes(records[0], *others)),
        next_package=order.next_package,
        together=order.together,
    )
