"""The volumes of an app, with a type for each class of data. Pure.

What replaces data by an older copy (a restore, a rollback) takes a `RestorableVolume`. No value of that type is made of
a volume that is never restored, or that is proof of money: the type checker refuses the call, and the constructor the
value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.data import DataClass
from archipelago.container.manifest.model.on_disk import Volume


@dataclass(frozen=True, slots=True)
class _OfClass:
    """A volume of an app whose manifest says that it is of this class."""

    app: str
    name: str
    declared: Volume
    """What the manifest says of it."""

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
"""By class, from that of which least is lost to that of which most is."""


def app_volumes(manifest: AppManifest, *others: AppManifest) -> tuple[AppVolume, ...]:
    """Return the volumes of an app by name; `others` are further manifests of it, such as that of the next version.

    Where they disagree, the stricter class counts: no version can make restorable what another one must not lose.
    """
    order = list(_TYPES)
    strictest: dict[str, Volume] = {}
    for each in (manifest, *others):
        if each.id != manifest.id:
            raise ValueError(f"{each.id} is not {manifest.id}")
        for name, volume in each.volumes.items():
            strictest[name] = max(strictest.get(name, volume), volume, key=lambda one: order.index(one.data))
    return tuple(_TYPES[volume.data](manifest.id, name, volume) for name, volume in sorted(strictest.items()))


def has_channels(manifest: AppManifest) -> bool:
    """Return whether an app has state that no copy ever replaces: one that was restored must not start by itself."""
    return any(isinstance(volume, NeverRestoreVolume) for volume in app_volumes(manifest))


def restorable_volumes(manifest: AppManifest, *others: AppManifest) -> tuple[RestorableVolume, ...]:
    """Return the volumes of an app that an older copy may replace; see `app_volumes`."""
    return tuple(volume for volume in app_volumes(manifest, *others) if isinstance(volume, RestorableVolume))
