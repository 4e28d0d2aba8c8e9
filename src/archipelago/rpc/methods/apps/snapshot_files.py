"""Methods about what is in snapshots, as files."""

from typing import Annotated

from pydantic import Field, StringConstraints

from archipelago.api.services.apps import SnapshotFileService
from archipelago.api.snapshots import SnapshotExtractView, SnapshotFileView, SnapshotFolderView
from archipelago.rpc.method import Family
from archipelago.rpc.methods.apps.snapshots import SnapshotParams
from archipelago.storage.records.permissions import Permission

family = Family()

_Path = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{0,4000}$")]


class SnapshotFolderParams(SnapshotParams):
    """A folder of a snapshot."""

    path: _Path = "volumes"
    """Such as `volumes/data/photos`; each name as in `SnapshotEntry`."""
    after: _Path = ""
    """Name of an entry: those behind it are returned."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 500
    """How many entries are returned at most."""


class SnapshotFileParams(SnapshotParams):
    """A piece of a file in a snapshot."""

    path: _Path
    """Such as `volumes/data/photo.jpg`; each name as in `SnapshotEntry`."""
    offset: Annotated[int, Field(ge=0, lt=2**62)] = 0
    """Where the piece starts."""
    length: Annotated[int, Field(ge=1, le=524_288)] = 524_288
    """Bytes of it at most."""


class SnapshotExtractParams(SnapshotParams):
    """A file or folder in a snapshot, and where it goes."""

    path: _Path
    """Such as `volumes/data/photo.jpg`; each name as in `SnapshotEntry`."""
    to: Annotated[str, StringConstraints(pattern=r"^/[^\x00-\x1f\x7f]{1,400}$")]
    """A folder of this machine that is not there yet."""


@family.method(
    "snapshot-files",
    "List a folder of a snapshot; links are not followed, and secrets of the app are not among it",
    permission=Permission.EXECUTE,
)
async def _files(files: SnapshotFileService, params: SnapshotFolderParams) -> SnapshotFolderView:
    return await files.list(params.app, params.snapshot, params.path, params.after, params.limit)


@family.method("snapshot-file", "Read a piece of a file in a snapshot", permission=Permission.EXECUTE, recorded=True)
async def _file(files: SnapshotFileService, params: SnapshotFileParams) -> SnapshotFileView:
    return await files.read(params.app, params.snapshot, params.path, params.offset, params.length)


@family.method(
    "snapshot-extract",
    "Restore one file or folder of a snapshot into a new folder of this machine",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
)
async def _extract(files: SnapshotFileService, params: SnapshotExtractParams) -> SnapshotExtractView:
    return await files.extract(params.app, params.snapshot, params.path, params.to)
