"""Backups: where they go, and what the node says of them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from archipelago.api.notice_channels import Host, Url
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


HostKey = Annotated[
    str, StringConstraints(pattern=r"^(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]{40,1500}$")
]
SshHost = Annotated[Host, StringConstraints(pattern=r"^[^-]")]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]


class SftpTarget(View):
    """A folder of a machine that is reached over SSH, by the node's own key."""

    kind: Literal["sftp"]
    host: SshHost
    port: Port = 22
    user: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
    path: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f~-][^\x00-\x1f\x7f]{0,399}$")]
    """Of the folder there; one without a slash in front is below the user's own."""
    host_key: HostKey
    """The machine's public key: with another one it gets nothing."""


class RcloneTarget(View):
    """A storage service that rclone knows; the secret is rclone's configuration."""

    kind: Literal["rclone"]
    remote: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,60}$")]
    """Name of its section in the configuration."""
    path: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{0,400}$")] = ""


BackupTarget = Annotated[FolderTarget | RestTarget | S3Target | SftpTarget | RcloneTarget, Field(discriminator="kind")]


class SshIntroduction(View):
    """What a machine and the node need to know each other by, before the one is a target of the other."""

    host_key: HostKey
    """What the machine says its key is; whether that is so, only its owner knows."""
    fingerprint: str
    """Of that key, as ssh-keygen shows it."""
    public_key: str
    """The node's own: the line for `authorized_keys` on that machine."""


class RepositoryPassword(View):
    """One of the passwords that open a repository."""

    id: str
    label: str
    """Whose it is."""
    created: datetime
    node: bool
    """Whether it is the node's own, which stays."""


class KitTarget(View):
    """A target, as the recovery kit has it."""

    name: str
    kind: str
    place: str
    user: str
    """Of its login; empty where there is none."""
    repository: str
    """Id of its repository."""
    command: str
    """What adds it on another machine."""


class RecoveryKit(View):
    """What an owner prints, to get everything back by; without secrets."""

    node: str
    """Name of the machine."""
    at: datetime
    version: str
    targets: tuple[KitTarget, ...]
    ssh_key: str
    """The node's public key, for the targets that are reached over SSH."""


class RecoverySecrets(View):
    """The secrets of a recovery kit: each of them opens everything."""

    words: str = Field(repr=False)
    """24 words (BIP 39)."""
    password: str = Field(repr=False)
    """Of the repositories, for restic alone."""


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
    settings: BackupTarget | None = None
    """Where it is, as the owner said; null where that cannot be read."""
    repository: str
    """Id of its repository: another one in the same place is refused."""
    scheduled: bool
    """Whether the node writes to it once a day by itself."""
    apps: tuple[AppBackupView, ...] = ()
    checked: datetime | None = None
    """When the repository was last found to be whole."""
    problem: Prose = ""
    """Why the last attempt failed; empty after one that worked."""
    free: int | None = None
    """Bytes that are free on the disk of a folder; null where that is not known, as of every server."""


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


class RestoredVolume(View):
    """A volume in a backup."""

    name: str
    way: VolumeWay


class LeftOutVolume(View):
    """A volume that is in no backup."""

    name: str
    data: str
    """Its class, which is why: `rebuildable` or `never-restore`."""


class BackupPreview(Translatable, View):
    """What restoring a backup would do."""

    app: str
    backup: str
    """Start of its id."""
    at: datetime
    version: str
    """Version of the app that wrote the data."""
    version_now: str | None = None
    """Version that is installed, which becomes a snapshot with its data; null where the app is not there."""
    size: int
    """Bytes that are fetched."""
    files: int
    free: int
    """Bytes that are free on the node's disk."""
    volumes: tuple[RestoredVolume, ...] = ()
    """What comes back."""
    left_out: tuple[LeftOutVolume, ...] = ()
    """What is not in the backup: where the app is installed, it stays as it is."""
    stays_stopped: bool = False
    """Whether the app waits for its owner to start it: its state of channels is in no backup."""
    reach: Prose = ""
    """What it reaches outside the node with the settings that come back, where that is more than now; else empty."""
