"""What the node says of data: the values of the methods about it."""

from datetime import datetime

from archipelago.container.manifest.model.data import DataClass
from archipelago.support.texts.translatable import Prose, Translatable
from archipelago.support.view import View


class VolumeView(View):
    """A directory of an app that outlives its containers."""

    name: str
    size: int
    """Bytes that it takes on the disk."""
    counted: bool = True
    """Whether all of it was counted in time; if not, it takes more."""
    funds: bool = False
    """Whether it holds keys to money."""
    data: DataClass | None = None
    """What it holds; null where its app is not installed."""


class LostVolume(Translatable, View):
    """A volume with which its app cannot run."""

    volume: str
    lost: bool
    """Whether data that was there is gone; if not, it is there and belongs to others' user ids."""
    what: Prose
    remedy: Prose


class ContestedStateView(Translatable, View):
    """State of which an older copy loses money, and of which this node may not have the newest."""

    volume: str
    what: Prose
    remedy: Prose
    evidence: str
    """Digest of what speaks against a start, which `data-claim` takes."""


class StreamTargetView(Translatable, View):
    """What a target of backups has of a streamed file."""

    target: str
    current: bool
    """Whether the newest copy was read back from there."""
    at: datetime | None = None
    """When a copy was last read back."""
    problem: Prose = ""


class StreamView(Translatable, View):
    """A file that is copied to other places each time it changes."""

    app: str
    volume: str
    file: str
    """Its path in the volume."""
    at: datetime | None = None
    """When it was last copied on this machine, or found to be the same as the newest copy."""
    size: int = 0
    """Bytes of the newest copy."""
    copies: int = 0
    """Number of copies on this machine, in `apps/APP/streams`."""
    problem: Prose = ""
    targets: tuple[StreamTargetView, ...] = ()


class RemovalPreview(View):
    """What a removal of an app would take with it."""

    app: str
    needed_by: tuple[str, ...] = ()
    """Apps that cannot do without it: while they are installed, it is not removed."""
    volumes: tuple[VolumeView, ...] = ()
    """What goes where its data is deleted too, but for those with keys to money, and stays where it is not."""
    secrets: int = 0
    """Number of secrets, which go with the data, or are kept with the keys to money."""


class KeptData(View):
    """Data with keys to money that was kept when its app was removed with its data."""

    app: str
    kept: str
    """Its name: the time of the removal, `2026-11-29T08-40-00.123Z`."""
    at: datetime
    version: str
    """Version of the app that was removed."""
    volumes: tuple[VolumeView, ...] = ()
    secrets: int = 0
    """Number of secrets of the app, which may open what is in the volumes."""
