"""Backups: where they go, and what the node says of them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from archipelago.api.notice_channels import Url
from archipelago.support.texts.text import msg
from archipelago.support.texts.translatable import Prose, Translatable
from archipelago.support.view import View

TargetName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


def _check_folder(path: str) -> str:
    names = path.split("/")
    if not path.startswith("/") or len(names) < 2 or any(name in ("", ".", "..") for name in names[1:]):
        raise ValueError(msg("expected the whole path of a folder, such as /media/usb/archipelago"))
    return path


class FolderTarget(View):
    """A folder of this machine, such as one of a USB disk."""

    kind: Literal["folder"]
    path: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{2,400}$"), AfterValidator(_check_folder)]
    """Where the disk is mounted, and a folder in it."""


class RestTarget(View):
    """A server that speaks restic's own protocol (rest-server, `rclone serve restic`)."""

    kind: Literal["rest"]
    url: Url
    user: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f:@/]{0,100}$")] = ""
    """Empty where the server asks for no login; the secret is the password."""


class S3Target(View):
    """A bucket of a storage service that speaks S3; the secret is the secret key."""

    kind: Literal["s3"]
    url: Url
    """Server and bucket, and maybe a folder in it: `https://s3.example.com/bucket/folder`."""
    access_key: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,200}$")]


BackupTarget = Annotated[FolderTarget | RestTarget | S3Target, Field(discriminator="kind")]


class ProofView(Translatable, View):
    """What a drill found: whether what was written can be restored."""

    at: datetime
    passed: bool
    tried: bool = True
    """Whether it could be tried."""
    seconds: float
    files: int = 0
    """Files that were restored and read."""
    databases: int = 0
    """Databases among them that passed their own check, or that a server has loaded."""
    started: bool = False
    """Whether the app came up from it, in a scratch copy without network."""
    not_started: Prose = ""
    """Why what was restored could not be started, though nothing is wrong with it."""
    problem: Prose = ""


class AppBackupView(View):
    """The backups of an app on a target."""

    app: str
    newest: datetime | None = None
    """When the newest backup was made."""
    proved: datetime | None = None
    """When a drill last restored one of them whole."""
    proof: ProofView | None = None
    """The last drill, whatever it found."""
    overdue: bool = False
    """Whether there should be a newer backup."""


class TargetView(Translatable, View):
    """A place where backups are written to."""

    name: str
    kind: str
    place: str
    """Where it is, without secrets."""
    repository: str
    """Id of its repository: another one in the same place is refused."""
    scheduled: bool
    """Whether the node writes to it once a day by itself."""
    apps: tuple[AppBackupView, ...] = ()
    checked: datetime | None = None
    """When the repository was last found to be whole."""
    problem: Prose = ""
    """Why the last attempt failed; empty after one that worked."""


class BackupView(View):
    """A backup of an app in a repository."""

    id: str
    app: str
    version: str
    """Version of the app that wrote the data."""
    at: datetime


class VolumeWay(StrEnum):
    """How a volume got into a backup."""

    LIVE = "live"
    """Its files, while the app ran."""
    SQLITE = "sqlite"
    """Its databases by SQLite's own copy, while the app ran, and then its other files."""
    DUMP = "dump"
    """All that its server holds, by the server's own dump, while the app ran."""
    STOPPED = "stopped"
    """A copy that was made while the app was stopped for it."""
