"""Methods about snapshots of apps."""

from typing import Annotated

from pydantic import Field, StringConstraints

from archipelago.api.operations import Operation
from archipelago.api.services.apps import SnapshotService
from archipelago.api.snapshots import RestorePreview, SnapshotPreview, SnapshotView
from archipelago.container.manifest.model.scalars import Name
from archipelago.rpc.method import Family
from archipelago.rpc.methods.apps.containers import AppParams
from archipelago.storage.records.permissions import Permission

family = Family()


class SnapshotParams(AppParams):
    """One snapshot of an app."""

    snapshot: Annotated[str, StringConstraints(pattern=r"^[0-9TZ.-]+$", max_length=40)]
    """Its name, as `snapshot-list` tells it."""


class LookParams(SnapshotParams):
    """A look at the app as it was."""

    minutes: Annotated[int, Field(ge=0, le=60)] = 0
    """For which the copy runs once it has come up."""


class SnapshotRestoreParams(SnapshotParams):
    """A snapshot that an app goes back to."""

    stays: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    """Volumes that stay as they are, as the owner agreed (see `restore-preview`); if more would, nothing is done."""


@family.method("snapshot-list", "Return the snapshots of an app, the newest first", permission=Permission.READ)
async def _list(snapshots: SnapshotService, params: AppParams) -> tuple[SnapshotView, ...]:
    return await snapshots.list(params.app)


@family.method("snapshot-preview", "Say what a snapshot of an app would cost", permission=Permission.READ)
async def _preview(snapshots: SnapshotService, params: AppParams) -> SnapshotPreview:
    return await snapshots.preview(params.app)


@family.method(
    "snapshot-take",
    "Take a snapshot of an app, which is stopped for it and started again",
    permission=Permission.MANAGE,
    mutates=True,
)
async def _take(snapshots: SnapshotService, params: AppParams) -> Operation:
    return await snapshots.take(params.app)


@family.method("restore-preview", "Say what going back to a snapshot would do", permission=Permission.READ)
async def _restore_preview(snapshots: SnapshotService, params: SnapshotParams) -> RestorePreview:
    return await snapshots.restore_preview(params.app, params.snapshot)


@family.method(
    "snapshot-restore",
    "Put an app back to a snapshot: version, options, secrets and data; what is there now becomes a snapshot",
    permission=Permission.MANAGE,
    mutates=True,
    confirms=True,
)
async def _restore(snapshots: SnapshotService, params: SnapshotRestoreParams) -> Operation:
    return await snapshots.restore(params.app, params.snapshot, params.stays)


@family.method(
    "snapshot-look",
    "Run a scratch copy of an app from a snapshot, without network, and see whether it comes up; nothing of it is left",
    permission=Permission.MANAGE,
    mutates=True,
)
async def _look(snapshots: SnapshotService, params: LookParams) -> Operation:
    return await snapshots.look(params.app, params.snapshot, params.minutes)


@family.method(
    "snapshot-delete", "Delete a snapshot forever", permission=Permission.MANAGE, mutates=True, confirms=True
)
async def _delete(snapshots: SnapshotService, params: SnapshotParams) -> None:
    await snapshots.delete(params.app, params.snapshot)


@family.method("undo-preview", "Say what undoing the last update of an app would do", permission=Permission.READ)
async def _undo_preview(snapshots: SnapshotService, params: AppParams) -> RestorePreview:
    return await snapshots.undo_preview(params.app)


@family.method(
    "container-update-undo",
    "Undo the last update of an app: all is as it was before, and what is there now becomes a snapshot",
    permission=Permission.MANAGE,
    mutates=True,
    confirms=True,
)
async def _undo(snapshots: SnapshotService, params: AppParams) -> Operation:
    return await snapshots.undo(params.app)
