"""What of an app goes into a backup, and how. Pure.

A volume that is never restored is in no backup: nothing is made of `NeverRestoreVolume` here, so no restore can find
one. What the app makes again is left out as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from pydantic import Field

from archipelago.api.backups import VolumeWay
from archipelago.backups.dumps.commands import ServerDatabase
from archipelago.container.data.data_classes import (
    AppendProofVolume,
    AppVolume,
    DatabaseVolume,
    FilesVolume,
    NeverRestoreVolume,
    RebuildableVolume,
)
from archipelago.container.manifest.model.data import SqliteDatabase
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.stored import Stored

Names = tuple[str, ...]
BackedUpVolume = FilesVolume | DatabaseVolume | AppendProofVolume
"""What can be in a backup."""
COMPANIONS = ("", "-wal", "-shm", "-journal")
"""What SQLite has beside a database (sqlite.org/tempfiles.html)."""


@dataclass(frozen=True, slots=True)
class VolumeSource:
    """A volume that goes into a backup."""

    volume: BackedUpVolume
    way: VolumeWay


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a backup of an app is made of."""

    record: AppRecord
    volumes: tuple[VolumeSource, ...]
    """Those that are there."""
    databases: Mapping[str, tuple[Names, ...]]
    """Volume -> databases of SQLite in it."""
    left_out: Mapping[str, str]
    at: datetime
    dumps: Mapping[str, str] = field(default_factory=dict)
    """Volume -> file with the dump of its server."""
    stopped_because: Mapping[str, str] = field(default_factory=dict)
    """Volume -> why its server was not dumped."""

    def of_way(self, way: VolumeWay) -> tuple[VolumeSource, ...]:
        """Return the volumes that get into the backup in one way."""
        return tuple(each for each in self.volumes if each.way is way)


PLAIN_FORMAT, DUMP_FORMAT = 1, 2
"""Of a backup, and of one with dumps, which earlier versions of the node cannot restore."""


class BackupFormat(Stored):
    """What a backup of any version says of itself."""

    format: int = PLAIN_FORMAT


class BackupManifest(BackupFormat):
    """What a backup says of itself (`node/manifest.json` in it)."""

    app: str
    version: str
    """Of the app that wrote the data."""
    package: str
    """Digest of its package."""
    at: datetime
    first_id: int
    """First of the app's user ids then, as the user namespace counts them."""
    volumes: Mapping[str, VolumeWay] = Field(default={})
    databases: Mapping[str, tuple[Names, ...]] = Field(default={})
    """Volume -> databases of SQLite in it, which are in `node/sqlite`."""
    dumps: Mapping[str, str] = Field(default={})
    """Volume -> the dump of its server, which is in `node/dumps`."""
    stopped_because: Mapping[str, str] = Field(default={})
    """Volume -> why its server could not be dumped, so that the app was stopped for a copy."""
    left_out: Mapping[str, str] = Field(default={})
    """Volume -> its class, which is why it is not there."""


def sources(volumes: tuple[AppVolume, ...]) -> tuple[VolumeSource, ...]:
    """Return the volumes that go into a backup, each with how."""
    found = []
    for volume in volumes:
        match volume:
            case RebuildableVolume() | NeverRestoreVolume():
                continue
            case FilesVolume() | AppendProofVolume() | DatabaseVolume():
                found.append(VolumeSource(volume, _way(volume)))
            case _:
                assert_never(volume)
    return tuple(found)


def _way(volume: BackedUpVolume) -> VolumeWay:
    if isinstance(volume.declared.database, SqliteDatabase):
        return VolumeWay.SQLITE
    if not isinstance(volume, DatabaseVolume):
        return VolumeWay.LIVE
    # A dump is of the server that runs, so of one of the parts that a setting of a provider keeps apart.
    has_parts = volume.declared.per is not None
    return (
        VolumeWay.DUMP if isinstance(volume.declared.database, ServerDatabase) and not has_parts else VolumeWay.STOPPED
    )


def left_out(volumes: tuple[AppVolume, ...]) -> Mapping[str, str]:
    """Return the volumes that do not go into a backup, each with its class."""
    return {each.name: each.data.value for each in volumes if isinstance(each, RebuildableVolume | NeverRestoreVolume)}
