"""The volumes of an app, with a type for each class of data. Pure.

What replaces data by an older copy (a restore, a rollback) takes a `RestorableVolume`. No value of that type is made of
a volume that is never restored, or that is proof of money: the type checker refuses the call, and the constructor the
value.

The strictest that any version of an app has said of a volume counts: what decides by a class asks here, and not the
manifest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.data import DataClass
from archipelago.container.manifest.model.on_disk import Volume
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.volumes import StrictestClass, with_declared


@dataclass(frozen=True, slots=True)
class _OfClass:
    """A volume of an app whose manifest says that it is of this class."""

    app: str
    name: str
    declared: Volume
    """What the manifest says of it, as strictly as any version did."""

    data: ClassVar[DataClass]

    def __post_init__(self) -> None:
        if self.declared.data is not self.data:
            raise TypeError(f"the volume '{self.name}' of {self.app} is {self.declared.data}, not {self.data}")


@dataclass(frozen=True, slots=True)
class RebuildableVolume(_OfClass):
    """The app makes it again."""

    data: ClassVar[DataClass] = DataClass.REBUILDABLE


@dataclass(frozen=True, slots=True)
class FilesVolume(_OfClass):
    """Files that nothing makes again."""

    data: ClassVar[DataClass] = DataClass.FILES


@dataclass(frozen=True, slots=True)
class DatabaseVolume(_OfClass):
    """A database, which `declared.database` describes, maybe with files beside it."""

    data: ClassVar[DataClass] = DataClass.DATABASE


@dataclass(frozen=True, slots=True)
class AppendProofVolume(_OfClass):
    """Claims to money: an older copy never replaces a newer one."""

    data: ClassVar[DataClass] = DataClass.APPEND_PROOF


@dataclass(frozen=True, slots=True)
class NeverRestoreVolume(_OfClass):
    """State of which an older copy loses money: no copy ever replaces it."""

    data: ClassVar[DataClass] = DataClass.NEVER_RESTORE


RestorableVolume = RebuildableVolume | FilesVolume | DatabaseVolume
"""What an older copy may replace."""

AppVolume = RestorableVolume | AppendProofVolume | NeverRestoreVolume

_TYPES: Mapping[DataClass, type[AppVolume]] = {
    kind.data: kind for kind in (RebuildableVolume, FilesVolume, DatabaseVolume, AppendProofVolume, NeverRestoreVolume)
}


def app_volumes(record: AppRecord, *others: AppManifest) -> tuple[AppVolume, ...]:
    """Return the volumes of an app by name; `others` are further manifests of it, such as that of the next version.

    A volume with keys to money that no version has any longer is one of them as well.
    """
    manifests = (record.package.manifest, *others)
    declared: dict[str, Volume] = {}
    strictest: Mapping[str, StrictestClass] = record.strictest
    for each in manifests:
        if each.id != record.package.manifest.id:
            raise ValueError(f"{each.id} is not {record.package.manifest.id}")
        for name, volume in each.volumes.items():
            declared[name] = max(declared.get(name, volume), volume, key=lambda one: one.data.strictness)
        strictest = with_declared(strictest, each.volumes)
    found = {
        name: _as_strict(declared.get(name), each)
        for name, each in sorted(strictest.items())
        if name in declared or each.funds
    }
    return tuple(_TYPES[volume.data](record.app, name, volume) for name, volume in found.items())


def has_channels(record: AppRecord) -> bool:
    """Return whether an app has state that no copy ever replaces: one that was restored must not start by itself."""
    return any(isinstance(volume, NeverRestoreVolume) for volume in app_volumes(record))


def restorable_volumes(record: AppRecord, *others: AppManifest) -> tuple[RestorableVolume, ...]:
    """Return the volumes of an app that an older copy may replace; see `app_volumes`."""
    return tuple(volume for volume in app_volumes(record, *others) if isinstance(volume, RestorableVolume))


def funds_volumes(record: AppRecord, *others: AppManifest) -> tuple[str, ...]:
    """Return the names of the volumes of an app that have keys to money; see `app_volumes`."""
    return tuple(volume.name for volume in app_volumes(record, *others) if volume.declared.funds)


def _as_strict(declared: Volume | None, known: StrictestClass) -> Volume:
    """Return a volume as strict as it is known to be; a database that no manifest describes has no description."""
    if declared is None:
        return Volume.model_construct(data=known.data, funds=known.funds)
    return declared.model_copy(update={"data": known.data, "funds": known.funds})
