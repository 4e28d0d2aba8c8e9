"""The files of snapshots: what is in their folders besides copies of volumes. Blocking."""

import shutil
from pathlib import Path

from archipelago.container.data.snapshots.swap import VolumePlaces
from archipelago.storage.layout import SNAPSHOTS, AppFolder, Layout, SnapshotFolder
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.snapshots import SnapshotRecord, record_to_json
from archipelago.support.private_files import reported, sync_folder, write_atomically


def free_bytes(folder: AppFolder) -> int:
    """Return the bytes that are free on the disk of an app."""
    return shutil.disk_usage(folder.path).free


def make_parent(folder: AppFolder) -> None:
    """Make the folder of an app's snapshots."""
    folder.snapshots.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.path)


def make_place(place: SnapshotFolder) -> None:
    """Make the folder of a snapshot. Raises `NodeError`."""
    with reported(place.path):
        place.volumes.mkdir(mode=0o700, parents=True, exist_ok=True)
        for directory in (place.path.parent.parent, place.path.parent, place.path):
            sync_folder(directory)


def write_all(folder: AppFolder, place: SnapshotFolder, record: AppRecord, about: SnapshotRecord) -> None:
    """Write all but the volumes; what says that the snapshot is complete comes last."""
    _copy_secrets(folder.secrets, place.secrets)
    with reported(place.record):
        write_atomically(place.record, record_to_json(record).encode())
    write_about(place, about)


def write_about(place: SnapshotFolder, about: SnapshotRecord) -> None:
    """Write what a snapshot is, which makes it complete. Raises `NodeError`."""
    with reported(place.about):
        write_atomically(place.about, f"{about.model_dump_json()}\n".encode())


def copy_rest(origin: SnapshotFolder, place: SnapshotFolder, about: SnapshotRecord) -> None:
    """Write all but the volumes of a copy of a snapshot. Raises `NodeError`."""
    _copy_secrets(origin.secrets, place.secrets)
    with reported(place.record):
        write_atomically(place.record, origin.record.read_bytes())
    write_about(place, about)


def _copy_secrets(source: Path, target: Path) -> None:
    with reported(target):
        target.mkdir(mode=0o700, exist_ok=True)
        for path in source.glob("*.age") if source.is_dir() else ():
            write_atomically(target / path.name, path.read_bytes())


def restore_secrets(origin: SnapshotFolder, folder: AppFolder) -> None:
    """Write the app's own secrets as they were. Logins of other apps are not part of its data, and stay."""
    with reported(folder.secrets):
        for path in origin.secrets.glob("*.age"):
            there = folder.secrets / path.name
            if not path.name.startswith("edge.") or not there.exists():
                folder.secrets.mkdir(mode=0o700, exist_ok=True)
                write_atomically(there, path.read_bytes())


def cut_off(layout: Layout) -> tuple[Path, ...]:
    """Return the snapshots that are not complete."""
    found = (place for place in layout.apps.glob(f"*/{SNAPSHOTS}/*") if not place.name.startswith("."))
    return tuple(place for place in found if not SnapshotFolder(place).about.exists())


def volume_places(folder: AppFolder, origin: SnapshotFolder, target: SnapshotFolder) -> VolumePlaces:
    """Return where the volumes of an app are while one snapshot comes back and what was in use becomes another."""
    return VolumePlaces(*(frozenset(children(each.volumes)) for each in (folder, target, origin)))


def children(directory: Path) -> tuple[str, ...]:
    """Return the names in a directory; none where there is no such directory."""
    try:
        return tuple(sorted(path.name for path in directory.iterdir()))
    except (FileNotFoundError, NotADirectoryError):
        return ()
