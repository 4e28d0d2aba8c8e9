"""What the node says of snapshots: the values of the methods about them."""

from datetime import datetime
from enum import StrEnum

from pydantic import ConfigDict

from archipelago.storage.records.snapshot_schedules import Cadence
from archipelago.storage.records.snapshots import SnapshotKind
from archipelago.support.texts.translatable import Prose, Translatable
from archipelago.support.view import View


class SnapshotView(View):
    """All of an app at one moment: data, secrets, options, version."""

    name: str
    """Its name, the time as `2026-11-29T08-40-00.123Z`."""
    kind: SnapshotKind
    """Why it is there."""
    at: datetime
    version: str
    """Version of the app at that time."""
    size: int
    """Bytes, those that it shares with the app's data or with other snapshots included."""
    counted: bool = True
    """Whether all of it was counted in time; if not, it takes more."""
    funds: bool = False
    """Whether it has keys to money."""
    undoes_update: bool = False
    """Whether it is what the last update can be undone with."""


class EntryKind(StrEnum):
    """What has a name in a folder."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    """It is never followed."""
    OTHER = "other"
    """A device, a pipe or a socket, which is never opened."""


class SnapshotEntry(View):
    """What is in a folder of a snapshot."""

    name: str
    """Its name; control characters, backslashes and what is not UTF-8 as `\\xNN`, as a path of it needs them."""
    kind: EntryKind
    size: int = 0
    """Bytes of a file."""
    modified: datetime | None = None
    """When it was changed last, by what the app says."""
    target: str = ""
    """Where a link leads, cut off after 400 characters; links are never followed."""


class SnapshotFolderView(View):
    """Some of what is in a folder of a snapshot, by name."""

    path: str
    """Of the folder."""
    entries: tuple[SnapshotEntry, ...]
    more: bool = False
    """Whether there are further ones: ask again for those `after` the last name."""
    complete: bool = True
    """Whether the whole folder was looked at in time; if not, names may be missing among these."""


class SnapshotFileView(View):
    """A piece of a file in a snapshot."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    path: str
    size: int
    """Bytes of the whole file."""
    offset: int
    """Where the piece starts."""
    content: bytes
    """The piece, in Base64; its end is the file's where it is shorter than what was asked for and than 512 KiB."""


class SnapshotExtractView(View):
    """What became of a file or folder that was restored."""

    left_out: int
    """Devices, pipes, sockets, and folders more than 200 deep: so many are not restored."""


class SnapshotScheduleView(Translatable, View):
    """When snapshots are taken by themselves, and how many of them are kept."""

    app: str = ""
    """The app; empty for the schedule of the node."""
    every: Cadence
    keep_hourly: int
    """The newest of each of the last hours that have one are kept, so many."""
    keep_daily: int
    keep_weekly: int
    own: bool = False
    """Whether the app has a schedule of its own; else it has that of the node."""
    next: datetime | None = None
    """When the next one is to be taken; null where none is."""
    obstacle: Prose = ""
    """Why none was taken at the last turn; empty where that is not so, or not known since the start of the node."""


class SnapshotSchedulesView(View):
    """All schedules of a node."""

    node: SnapshotScheduleView
    """Of the apps that have none of their own: of these, the ones that stop for a moment alone."""
    apps: tuple[SnapshotScheduleView, ...]
    """Of each installed app."""


class SnapshotPreview(Translatable, View):
    """What taking a snapshot of an app would cost."""

    app: str
    size: int
    """Bytes that are copied; none where the disk can share them."""
    seconds: int
    """How long that takes, roughly."""
    free: int
    """Bytes that are free now."""
    missing: int
    """Bytes that the disk lacks: it would be refused."""
    left_out: tuple[str, ...] = ()
    """Volumes that are not copied."""
    remarks: tuple[Prose, ...] = ()


class RestorePreview(Translatable, View):
    """What going back to a snapshot would do."""

    apps: tuple[str, ...]
    """Apps that go back, the one that was asked for first."""
    snapshot: str
    at: datetime
    version: str
    """Version of the app then."""
    version_now: str
    stays: tuple[str, ...] = ()
    """Volumes that are not in the snapshot and stay as they are now, beside older ones."""
    remarks: tuple[Prose, ...] = ()
    """What is lost, and what it costs, in sentences."""
