"""Methods about backups: where they go, and what comes back from there."""

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from archipelago.api.backups import BackupPreview, BackupTarget, BackupView, TargetName, TargetView
from archipelago.api.operations import Operation
from archipelago.api.services.apps import BackupService
from archipelago.container.manifest.model.scalars import AppId
from archipelago.rpc.method import Family, Params
from archipelago.rpc.methods.apps.containers import AppParams
from archipelago.rpc.params import secret_text
from archipelago.storage.records.permissions import Permission

family = Family()

_BackupId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8,64}$")]


class TargetParams(Params):
    """A target."""

    target: TargetName
    """Its name."""


class AddTargetParams(TargetParams):
    """A new target."""

    settings: BackupTarget
    """Where it is."""
    secret: Annotated[SecretStr, Field(max_length=16384)] | None = None
    """Password (rest), secret key (s3), or what `rclone config show` prints (rclone)."""
    scheduled: bool = True
    """Whether the node writes to it once a day by itself."""


class ChangeTargetParams(TargetParams):
    """What is different about a target from now on; null leaves it as it is."""

    settings: BackupTarget | None = None
    """Where the same repository is found from now on."""
    secret: Annotated[SecretStr, Field(max_length=1024)] | None = None
    """Password or secret key of its login."""
    scheduled: bool | None = None
    """Whether the node writes to it once a day by itself."""


class ListBackupsParams(TargetParams):
    """Of which app."""

    app: Annotated[str, StringConstraints(max_length=100)] | None = None
    """Null lists those of all apps, also of apps that are not installed."""


class AppTargetParams(AppParams, TargetParams):
    """An app and a target."""


class BackupParams(AppTargetParams):
    """A backup of an app."""

    backup: _BackupId | None = None
    """Start of its id; null is the newest one."""


class BackupAllParams(Params):
    """Which apps, and where they go."""

    targets: Annotated[tuple[TargetName, ...], Field(min_length=1, max_length=100)] | None = None
    """Null is all targets."""
    apps: Annotated[tuple[AppId, ...], Field(min_length=1, max_length=1000)] | None = None
    """Null is all that are installed."""


class ExtractParams(BackupParams):
    """A file or folder in a backup, and where it goes."""

    path: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,1000}$")]
    """Such as `volumes/data/photo.jpg`."""
    to: Annotated[str, StringConstraints(pattern=r"^/[^\x00-\x1f\x7f]{1,400}$")]
    """A folder of this machine that is not there yet."""


@family.method("backup-targets", "List the targets of backups, and what was proved there", permission=Permission.READ)
async def _targets(backups: BackupService) -> tuple[TargetView, ...]:
    return await backups.targets()


@family.method(
    "backup-target-add",
    "Add a target: its repository is made, or the one that is there is used if the node's key opens it",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
)
async def _add(backups: BackupService, params: AddTargetParams) -> TargetView:
    secret = secret_text(params.secret) or ""
    return await backups.add(params.target, params.settings, secret, scheduled=params.scheduled)


@family.method(
    "backup-target-change",
    "Change how a target is reached, or its schedule; the repository has to be the same",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
)
async def _change(backups: BackupService, params: ChangeTargetParams) -> TargetView:
    return await backups.change(params.target, params.settings, secret_text(params.secret), scheduled=params.scheduled)


@family.method(
    "backup-target-remove",
    "Forget a target; what is stored there stays",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
)
async def _remove(backups: BackupService, params: TargetParams) -> None:
    await backups.remove(params.target)


@family.method("backup-now", "Back up an app to a target", permission=Permission.MANAGE, mutates=True)
async def _now(backups: BackupService, params: AppTargetParams) -> Operation:
    return await backups.now(params.app, params.target)


@family.method(
    "backup-all",
    "Back up apps to targets, one after the other; it goes on without whoever asked for it",
    permission=Permission.MANAGE,
    mutates=True,
)
async def _all(backups: BackupService, params: BackupAllParams) -> Operation:
    return await backups.all_now(params.targets, params.apps)


@family.method("backup-list", "List the backups on a target, the newest first", permission=Permission.READ)
async def _list(backups: BackupService, params: ListBackupsParams) -> tuple[BackupView, ...]:
    return await backups.list(params.target, params.app)


@family.method("backup-preview", "Say what restoring a backup would do", permission=Permission.READ)
async def _preview(backups: BackupService, params: BackupParams) -> BackupPreview:
    return await backups.preview(params.app, params.target, params.backup)


@family.method(
    "backup-restore",
    "Put an app back to a backup, or install it from one; what is there now becomes a snapshot",
    permission=Permission.MANAGE,
    mutates=True,
    confirms=True,
)
async def _restore(backups: BackupService, params: BackupParams) -> Operation:
    return await backups.restore(params.app, params.target, params.backup)


@family.method(
    "backup-restore-all",
    "Install every app that has a backup on a target and is not installed, each from its newest one, providers first",
    permission=Permission.MANAGE,
    mutates=True,
    confirms=True,
)
async def _restore_all(backups: BackupService, params: TargetParams) -> Operation:
    return await backups.restore_all(params.target)


@family.method(
    "backup-extract",
    "Restore one file or folder of a backup into a new folder of this machine",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
)
async def _extract(backups: BackupService, params: ExtractParams) -> None:
    await backups.extract(params.target, params.app, params.backup, params.path, params.to)


@family.method(
    "backup-check", "Have restic check a repository, and read a part of it", permission=Permission.MANAGE, mutates=True
)
async def _check(backups: BackupService, params: TargetParams) -> None:
    await backups.check(params.target)


@family.method(
    "backup-drill",
    "Prove that a backup of an app can be restored: restore it into a scratch directory, and check it",
    permission=Permission.MANAGE,
    mutates=True,
)
async def _drill(backups: BackupService, params: BackupParams) -> Operation:
    return await backups.drill(params.app, params.target, params.backup)


@family.method(
    "backup-drill-all",
    "Prove that the newest backups of apps can be restored, one after the other",
    permission=Permission.MANAGE,
    mutates=True,
)
async def _drill_all(backups: BackupService, params: BackupAllParams) -> Operation:
    return await backups.drill_all(params.targets, params.apps)
