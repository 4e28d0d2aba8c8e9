"""Brings a data root of an earlier version to today's layout. Blocking; before anything else reads the data root.

In version 1 an app lay beside the node's own folders: `APP/VOLUME`, `logs/APP`, `secrets/APP`, `sbom/APP`. Each is
renamed, never copied, into `apps.new/APP/`. The last rename, of `apps.new` to `apps`, brings the file with the version
along. A process that is killed in between leaves each folder in one of the two places, and the next start goes on.

The tables of the state database are brought up to date before the first rename. A version that does not know the new
layout refuses such a database; it would else start all apps on empty volumes, with new secrets.
"""

import contextlib
import json
import os
import re
import shlex
import sqlite3
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.database import bring_up_to_date
from archipelago.storage.layout import LAYOUT_VERSION, AppFolder, Layout
from archipelago.support.private_files import reported, sync_folder, write_atomically
from archipelago.support.texts.text import msg

_LARGEST = 4096
_OCTAL = re.compile(r"\\([0-7]{3})")
_OF_ONE_APP = ("logs", "secrets", "sbom")
"""Folders of version 1 in which each app had one of its own, under the name that it has today in the app's folder."""

Rename = Callable[[Sequence[tuple[Path, Path]]], None]
"""Renames directories that belong to users of containers, in the order given; raises `NodeError`."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """What a migration did."""

    apps: tuple[str, ...]
    """Apps that have a folder of their own by now."""


def read_mounts(file: Path = Path("/proc/self/mountinfo")) -> str:
    """Return what is mounted where (proc_pid_mountinfo(5)); somebody's disk may be at a name that is no UTF-8."""
    return os.fsdecode(file.read_bytes())


def migrate(layout: Layout, rename: Rename, mounts: Callable[[], str] = read_mounts) -> Migrated | None:
    """Bring the data root to today's layout; None where it has it. Raises `NodeError` where it cannot, and says why.

    `mounts` returns what is mounted where (proc_pid_mountinfo(5)).
    """
    if _has_version(layout):
        return None
    apps = _known_apps(layout.database)
    _refuse_mounts(layout, apps, mount_points(mounts()))
    _refuse_links(layout, apps)
    _refuse_occupied(layout, apps)
    # After what is refused: to put that right, the owner may need the version before. It is made where there is none:
    # an earlier version would else fill a root that has today's layout in its own way.
    bring_up_to_date(layout.database)
    with reported(layout.new_apps):
        _make_folder(layout.new_apps)
    for app in apps:
        _move(layout, app, rename)
    with reported(layout.new_apps):
        for name in ("secrets", "sbom"):  # no longer used; what is still in them is not an app's that is known
            with contextlib.suppress(OSError):
                (layout.root / name).rmdir()
        write_atomically(layout.new_apps / layout.version_file.name, json.dumps({"version": LAYOUT_VERSION}).encode())
        layout.new_apps.rename(layout.apps)
        sync_folder(layout.root)
    return Migrated(apps)


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """Data of an app that lies where an earlier version kept it, and where this one does not look."""

    folder: Path
    remedy: str
    """What the owner can do about it."""


def left_behind(layout: Layout) -> Iterator[LeftBehind]:
    """Yield what no migration moved: its app was unknown, or an earlier version wrote it afterwards."""
    found = [folder for folder in _folders(layout.root) if folder not in (layout.apps, layout.new_apps)]
    apps = [folder for folder in found if any(map(_is_an_apps, _folders(folder)))]
    names = {folder.name for folder in apps}
    for folder in _folders(layout.root / "secrets"):
        if folder.name not in names and not _is_an_apps(folder) and any(folder.iterdir()):
            apps.append(folder)
    for folder in apps:
        yield LeftBehind(folder, _remedy(layout, folder.name))


def _remedy(layout: Layout, name: str) -> str:
    """Return commands that work for root and for the node's own user, and put nothing into or over what is there."""
    app, aside = layout.app(name), layout.root / f"{name}.aside"
    old, old_secrets = layout.root / name, layout.root / "secrets" / name
    owner = layout.root.stat()
    make = f"install -d -m 0700 -o {owner.st_uid} -g {owner.st_gid}"
    volumes = [volume for volume in _folders(old) if _is_an_apps(volume)]
    changed = [app.volumes] if volumes else []
    changed += [app.secrets] if _is_folder(old_secrets) else []
    in_the_way = [folder for folder in changed if os.path.lexists(folder)]
    steps = [f"{make} {_quoted(app.path)}"]
    steps += [f"{make} {_quoted(aside)}"] if in_the_way else []
    steps += [f"mv -T {_quoted(folder, aside / folder.name)}" for folder in in_the_way]
    if volumes and len(volumes) == len(_all(old)):
        steps.append(f"mv -T {_quoted(old, app.volumes)}")
    elif volumes:  # the node's own, or the owner's, is in there as well
        steps += [f"{make} {_quoted(app.volumes)}", f"mv -t {_quoted(app.volumes, *volumes)}"]
    if app.secrets in changed:
        steps.append(f"mv -T {_quoted(old_secrets, app.secrets)}")
    if in_the_way:
        when = msg(
            "look whether you want this or what is in {path}: move this elsewhere, or have it take that place;",
            path=app.path,
        )
    else:
        when = msg("before you install the app,")
    return msg("{when} as root, while the node is stopped: {steps}", when=when, steps=" && ".join(steps))


def _quoted(*paths: Path) -> str:
    return shlex.join(map(str, paths))


def _has_version(layout: Layout) -> bool:
    """Return whether the data root has today's layout; raises `NodeError` where it has a newer one."""
    file = layout.version_file
    with reported(file):
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
        except (FileNotFoundError, NotADirectoryError):
            return False
        with os.fdopen(descriptor, "rb") as stream:
            text = stream.read(_LARGEST)
    try:
        version = json.loads(text)["version"]
    except (ValueError, LookupError, TypeError):
        version = None
    if not isinstance(version, int) or version < LAYOUT_VERSION:
        raise NodeError(
            ErrorCode.INTERNAL,
            msg("{file} does not say which layout the data has", file=file),
            hint=msg(
                "restore it from a backup; it is {content} for this version",
                content=json.dumps({"version": LAYOUT_VERSION}),
            ),
        )
    if version > LAYOUT_VERSION:
        raise NodeError(
            ErrorCode.INTERNAL,
            msg(
                "{root} was laid out by a newer version of Archipelago (layout {version})",
                root=layout.root,
                version=version,
            ),
            hint=msg("start the newer version again, or restore a backup from before the update"),
        )
    return True


def _known_apps(database: Path) -> tuple[str, ...]:
    """Return the apps that have data: each has a range of user ids for as long as that."""
    if not database.exists():
        return ()
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(database))}?mode=rw", uri=True)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "slots" not in tables:
                return ()
            return tuple(app for (app,) in connection.execute("SELECT app FROM slots ORDER BY app"))
    except sqlite3.Error as error:
        raise NodeError(
            ErrorCode.INTERNAL,
            msg("{database} cannot be used: {error}", database=database, error=error),
            hint=msg("check the disk and the file's owner; restore the file from a backup if it is damaged"),
        ) from error


def mount_points(text: str) -> tuple[Path, ...]:
    """Return where file systems are mounted, of a text of proc_pid_mountinfo(5)."""
    found = (line.split(" ")[4] for line in text.split("\n") if line.count(" ") >= 4)
    return tuple(Path(_OCTAL.sub(lambda match: chr(int(match[1], 8)), path)) for path in found)


def _refuse_mounts(layout: Layout, apps: Sequence[str], mounted: Sequence[Path]) -> None:
    """Raise `NodeError` where a file system is mounted in an app's old folder: it would be missing after a reboot."""
    root = layout.root.resolve()
    for old in (root / app for app in apps):
        for place in mounted:
            if place == old or old in place.parents:
                new = layout.app(old.name).volumes / place.relative_to(old)
                raise NodeError(
                    ErrorCode.INTERNAL,
                    msg("a file system is mounted at {place}, and folders of apps move in this version", place=place),
                    hint=msg(
                        "with the version before, stop {old} and unmount it; start this version, mount "
                        "it at {new}, also in fstab(5), then start {old}",
                        old=old.name,
                        new=new,
                    ),
                )


def _refuse_links(layout: Layout, apps: Sequence[str]) -> None:
    """Raise `NodeError` where a link stands for data of an app: earlier versions followed it, this one does not."""
    for app in apps:
        new = layout.app(app)
        places = {layout.root / app: new.volumes}
        places |= {layout.root / name / app: new.path / name for name in _OF_ONE_APP}
        with reported(layout.root / app):
            if _is_folder(layout.root / app):
                places |= {child: new.volumes / child.name for child in _all(layout.root / app)}
        for old, place in places.items():
            if old.is_symlink():
                target = os.path.realpath(old)
                raise NodeError(
                    ErrorCode.INTERNAL,
                    msg(
                        "{old} is a link to {target}, and this version follows no links to data of apps",
                        old=old,
                        target=target,
                    ),
                    hint=msg(
                        "with the version before, stop {app} and put the folder itself in the link's "
                        "place; or remove the link, start this version, mount {target} at {place} "
                        "(mount --bind, also in fstab(5)), then start {app}; where it is none of the "
                        "app's data, move the link elsewhere",
                        app=app,
                        target=target,
                        place=place,
                    ),
                )


def _refuse_occupied(layout: Layout, apps: Sequence[str]) -> None:
    """Raise `NodeError` where something that is no data of an app called `apps` is in the way of the new folder."""
    folder = layout.apps
    with reported(folder):
        if not os.path.lexists(folder):
            return
        is_old_app = folder.name in apps and all(map(_is_an_apps, _all(folder)))
        if _is_folder(folder) and (is_old_app or not any(folder.iterdir())):
            return
    text = json.dumps({"version": LAYOUT_VERSION})
    raise NodeError(
        ErrorCode.INTERNAL,
        msg("{folder} is in the way: the folders of apps come there in this version", folder=folder),
        hint=msg(
            "move it elsewhere; where it is a restored backup of such folders, write {text} to {version_file}",
            text=text,
            version_file=layout.version_file,
        ),
    )


def _move(layout: Layout, app: str, rename: Rename) -> None:
    target = AppFolder(layout.new_apps / app)
    pairs = {layout.root / name / app: target.path / name for name in _OF_ONE_APP}
    with reported(target.path):
        _make_folder(target.path)
        for old, new in pairs.items():
            if _is_folder(old):
                _rename(old, new)
    _move_volumes(layout.root / app, target, rename)
    with reported(target.path):
        for folder in (target.path, layout.new_apps):
            sync_folder(folder)


def _move_volumes(old: Path, target: AppFolder, rename: Rename) -> None:
    with reported(old):
        if not _is_folder(old):
            return
        volumes = [child for child in _folders(old) if _is_an_apps(child)]
        if len(volumes) == len(_all(old)):
            _rename(old, target.volumes)
            return
        # The folder is the node's own as well, or the owner put something there: only the volumes go.
        if volumes:
            _make_folder(target.volumes)
        moves = [(volume, target.volumes / volume.name) for volume in volumes]
        for volume, new in moves:
            _refuse_two(volume, new)
    if moves:
        rename(moves)
        sync_folder(target.volumes)


def _rename(old: Path, new: Path) -> None:
    _refuse_two(old, new)
    old.rename(new)


def _refuse_two(old: Path, new: Path) -> None:
    if os.path.lexists(new):
        raise NodeError(
            ErrorCode.INTERNAL,
            msg(
                "both {old} and {new} are there: an older version of Archipelago ran after the data started to move",
                old=old,
                new=new,
            ),
            hint=msg(
                "look which of them holds what you want to keep, move the other one elsewhere, then start the node"
            ),
        )


def _make_folder(folder: Path) -> None:
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)


def _all(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def _folders(folder: Path) -> list[Path]:
    """Return the directories in a directory, links left out; nothing where there is none, or it may not be read."""
    try:
        return [child for child in _all(folder) if _is_folder(child)]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _is_an_apps(path: Path) -> bool:
    """Return whether a directory belongs to a user of a container; the node's own belong to this user."""
    found = path.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid not in (0, os.geteuid())
