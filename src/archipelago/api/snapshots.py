"""What the node says of snapshots: the values of the methods about them."""

from datetime import datetime

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
