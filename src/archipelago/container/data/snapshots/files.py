"""The files of snapshots: what is in their folders besides copies of volumes. Blocking."""

import shutil
from pathlib import Path

from archipelago.container.data.snapshots.swap import VolumePlaces
from archipelago.errors import NodeError
from archipelago.storage.layout import AppFolder, Layout, SnapshotFolder
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.snapshots import SnapshotRecord, record_to_json
from archipelago.support.presence import is_there
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


def write_rest(folder: AppFolder, place: SnapshotFolder, record: AppRecord) -> None:
    """Write all but the volumes, and what says that the snapshot is complete (`write_about`). Raises `NodeError`."""
    _copy_secrets(folder.secrets, place.secrets)
    with reported(place.record):
        write_atomically(place.record, record_to_json(record).encode())


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


def secret_files(secrets: Path) -> dict[str, bytes]:
    """Return the secrets in a folder, sealed as they are, by file name; none where there is no folder.

    Raises `NodeError`.
    """
    with reported(secrets):
        names = [name for name in children(secrets) if name.endswith(".age")]
        return {name: (secrets / name).read_bytes() for name in names}


def is_own_secret(name: str) -> bool:
    """Return whether a secret is the app's own: logins of other apps are not part of its data."""
    return not name.startswith("edge.")


def restore_secrets(origin: SnapshotFolder, folder: AppFolder, *, replace: bool) -> None:
    """Write the secrets of a snapshot: all of the app's own, or (`replace`) only those that are missing now.

    Raises `NodeError`.
    """
    now = secret_files(folder.secrets)
    for name, content in secret_files(origin.secrets).items():
        if name not in now or (replace and is_own_secret(name)):
            with reported(folder.secrets):
                folder.secrets.mkdir(mode=0o700, exist_ok=True)
                write_atomically(folder.secrets / name, content)


def other_secrets(origin: SnapshotFolder, folder: AppFolder) -> tuple[str, ...]:
    """Return the app's own secrets in a snapshot that are others than those in use. Raises `NodeError`."""
    now, then = secret_files(folder.secrets), secret_files(origin.secrets)
    return tuple(name for name, content in then.items() if is_own_secret(name) and now.get(name) != content)


def _copy_secrets(source: Path, target: Path) -> None:
    with reported(target):
        target.mkdir(mode=0o700, exist_ok=True)
        for name, content in secret_files(source).items():
            write_atomically(target / name, content)


def cut_off(layout: Layout) -> tuple[Path, ...]:
    """Return the snapshots that are not complete; those of which that is not known are left alone."""
    folders = (layout.app(app) for app in _listed(layout.apps))
    places = (folder.snapshot(name) for folder in folders for name in _listed(folder.snapshots))
    return tuple(place.path for place in places if _is_cut_off(place))


def _listed(directory: Path) -> tuple[str, ...]:
    try:
        return tuple(name for name in children(directory) if name[0] != ".")
    except NodeError:
        return ()


def _is_cut_off(place: SnapshotFolder) -> bool:
    try:
        return not is_there(place.about)
    except NodeError:
        return False


def volume_places(folder: AppFolder, origin: SnapshotFolder, target: SnapshotFolder) -> VolumePlaces:
    """Return where the volumes of an app are while one snapshot comes back and what was in use becomes another."""
    return VolumePlaces(*(frozenset(children(each.volumes)) for each in (folder, target, origin)))


def children(directory: Path) -> tuple[str, ...]:
    """Return the names in a directory; none where there is no such directory. Raises `NodeError`."""
    with reported(directory):
        try:
            return tuple(sorted(path.name for path in directory.iterdir()))
        except (FileNotFoundError, NotADirectoryError):
            return ()
