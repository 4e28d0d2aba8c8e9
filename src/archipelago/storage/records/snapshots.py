"""Snapshots of apps, as the node writes them beside the data. Pure."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from archipelago.container.manifest.package import package_to_json
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.packages import read_package
from archipelago.storage.records.stored import Stored
from archipelago.storage.records.volumes import classes_from_json, classes_to_json, strictest_of


class SnapshotKind(StrEnum):
    """Why there is a snapshot."""

    MANUAL = "manual"
    """Its owner asked for it: it stays until the owner deletes it."""
    SCHEDULED = "scheduled"
    """Taken by the schedule: retention deletes it."""
    BEFORE_UPDATE = "before-update"
    REJECTED = "rejected"
    """What an update that failed, or was undone, left."""
    BEFORE_RESTORE = "before-restore"
    """What was there before another snapshot came back."""
    BACKUP = "backup"
    """On its way to a backup or from one; it goes when that is done."""

    @property
    def is_moved(self) -> bool:
        """Whether it is what was in use, which was moved aside: nowhere else is what was written last."""
        return self in (SnapshotKind.REJECTED, SnapshotKind.BEFORE_RESTORE)


class SnapshotRecord(Stored):
    """What a snapshot is, in `about.json`; without that file it is not complete."""

    kind: SnapshotKind
    at: datetime
    number: int = 0
    """Counts the snapshots of the app from 1, in the order in which they were taken; 0 where that was not counted."""
    version: str
    """Version of the app that wrote the data."""
    package: str
    """Digest of its package."""
    volumes: Mapping[str, str] = Field(default={})
    """Volume -> how it was copied; those that are not named here were not in the snapshot."""
    left_out: Mapping[str, str] = Field(default={})
    """Volume -> why it is not in the snapshot, so that it stays as it is when the rest goes back."""
    funds: bool = False
    """Whether one of the volumes has keys to money."""
    next_package: str = ""
    """Of a snapshot before an update: digest of the package that the update brought."""
    together: tuple[str, ...] = ()
    """The apps of which there is a snapshot of the same name, and that go back together."""

    def has_keys(self, funds: Collection[str]) -> bool:
        """Return whether it has keys to money; `funds` are the volumes that are known to have some by now."""
        return self.funds or not self.volumes.keys().isdisjoint(funds)


def record_to_json(record: AppRecord) -> str:
    """Return what of an installed app goes back with its data, as JSON."""
    return json.dumps(
        {
            "package": package_to_json(record.package),
            "options": dict(record.options),
            "choices": dict(record.choices),
            "ports": dict(record.ports),
            "lan": dict(record.lan),
            "tor": dict(record.tor),
            "strictest": classes_to_json(record.strictest),
        },
        sort_keys=True,
    )


def record_from_json(text: str, now: AppRecord) -> AppRecord:
    """Return the record of an app as `record_to_json` wrote it, wanted and with the ids as it is `now`.

    What was remembered of its volumes then, maybe by another node, makes stricter what is known now, and never weaker.
    Raises `ValueError` or `LookupError` where the text is damaged.
    """
    found = json.loads(text)
    return replace(
        now,
        package=read_package(found["package"], now.app),
        options=dict(found["options"]),
        choices=dict(found["choices"]),
        ports=dict(found["ports"]),
        lan=dict(found["lan"]),
        tor=dict(found.get("tor", {})),
        strictest=strictest_of(now.strictest, classes_from_json(found.get("strictest", {}))),
    )
