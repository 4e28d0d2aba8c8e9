"""Modes of the node's own files and folders: put right at each start, whatever an earlier version left. Blocking.

Nobody else on the host reads anything here. Users of containers, and whoever calls the node on its socket, may pass
through a few folders (mode 0711) without seeing what is in them. Nothing is followed that is a link, and nothing below
an app's volumes is touched.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from archipelago.storage.layout import Layout
from archipelago.support.texts.text import msg

_OPEN_TO_PASS = 0o711
_OF_ONE_APP = 0o710
"""The group is that of the app's containers."""
_CLOSED = 0o700
_FILE = 0o600
_COMPANIONS = ("", "-wal", "-shm", "-journal")
"""What SQLite has beside a database (sqlite.org/tempfiles.html)."""


@dataclass(frozen=True, slots=True)
class WrongMode:
    """A file or folder that others may read, and that this process cannot or did not put right."""

    path: Path
    mode: int
    """The mode that it should have."""
    why: str


def make_folders(layout: Layout) -> None:
    """Make the folders that everything else is in, with their modes. Raises `OSError`."""
    for folder in _passed_through(layout):
        folder.mkdir(mode=_CLOSED, parents=True, exist_ok=True)
        if stat.S_IMODE(folder.stat().st_mode) != _OPEN_TO_PASS:
            folder.chmod(_OPEN_TO_PASS)
    for folder in (layout.logs, layout.downloads, layout.caddy):
        folder.mkdir(mode=_CLOSED, exist_ok=True)
    # Only who has it mounted passes through: Tor, whose user is another one.
    layout.onions.mkdir(mode=_CLOSED, exist_ok=True)
    layout.onions.chmod(_OPEN_TO_PASS)


def close_podmans(graph_root: Path, run_root: Path) -> None:
    """Close what Podman leaves open: whoever may open its locks can lock them, and its names show who runs what.

    It makes these with modes of its own, and for the sake of the files that users of containers must read it has not
    the umask of the node. Made here before Podman does, they keep their modes. Raises `OSError`.
    """
    for folder in (run_root / "networks", run_root.with_name("netns")):
        folder.mkdir(mode=_CLOSED, parents=True, exist_ok=True)
        _examine(folder, _CLOSED, follow=False, change=True)
    locks = [graph_root / name for name in ("storage.lock", "userns.lock")]
    locks += [folder / f"{folder.name.removeprefix('overlay-')}.lock" for folder in graph_root.glob("overlay-*")]
    for lock in locks:
        os.close(os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, _FILE))
    databases = (graph_root / f"db.sql{companion}" for companion in _COMPANIONS)
    for file in (*locks, *databases):
        _examine(file, _FILE, follow=False, change=True)
    _examine(graph_root / "overlay" / "l", _OPEN_TO_PASS, follow=False, change=True)


def repair(layout: Layout) -> tuple[WrongMode, ...]:
    """Take away what others may do beyond what they need; return what could not be put right."""
    return tuple(_look(layout, change=True))


def wrong_modes(layout: Layout) -> tuple[WrongMode, ...]:
    """Return what others may do beyond what they need. Raises `OSError` where this user may not look."""
    return tuple(_look(layout, change=False))


def _look(layout: Layout, *, change: bool) -> Iterator[WrongMode]:
    for path, mode in _expected(layout):
        # Whoever set the node up may have put a link to another disk in the place of the root itself.
        follow = path in (layout.root, layout.runtime)
        if (found := _examine(path, mode, follow=follow, change=change)) is not None:
            yield found


def _expected(layout: Layout) -> Iterator[tuple[Path, int]]:
    """Yield paths with the most that their mode may allow."""
    for folder in _passed_through(layout):
        yield folder, _OPEN_TO_PASS
    for folder in (layout.logs, layout.audit_log, layout.images, layout.tls, layout.downloads, layout.caddy):
        yield folder, _CLOSED
    yield layout.onions, _OPEN_TO_PASS
    for app in _children(layout.apps):
        yield app, _OF_ONE_APP
        own = layout.app(app.name)
        yield own.volumes, _OF_ONE_APP
        for folder in (own.logs, own.secrets, own.sbom, own.kept):
            yield folder, _CLOSED
    for app in _children(layout.files):
        yield app, _OF_ONE_APP
    for companion in _COMPANIONS:
        yield layout.database.with_name(layout.database.name + companion), _FILE
    for file in (layout.node_key, layout.wrapped_key, layout.identity_key, layout.lock, layout.podman_log):
        yield file, _FILE


def _passed_through(layout: Layout) -> tuple[Path, ...]:
    return (layout.root, layout.runtime, layout.apps, layout.temporary, layout.builds, layout.files, layout.trial_files)


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(child for child in folder.iterdir() if not child.name.startswith("."))
    except FileNotFoundError:
        return []


def _examine(path: Path, mode: int, *, follow: bool, change: bool) -> WrongMode | None:
    """Look at one path, and change it where that is wanted; None where nothing is wrong."""
    try:
        descriptor = os.open(path, os.O_PATH | (0 if follow else os.O_NOFOLLOW))
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        found = os.fstat(descriptor)
        if stat.S_ISLNK(found.st_mode):
            return WrongMode(path, mode, msg("it is a link, which nothing of the node's is"))
        surplus = stat.S_IMODE(found.st_mode) & ~mode
        if not surplus:
            return None
        if change:
            with contextlib.suppress(OSError):
                # What a descriptor of this kind stands for is changed by its name in /proc alone (open(2)).
                os.chmod(f"/proc/self/fd/{descriptor}", stat.S_IMODE(found.st_mode) & mode)  # noqa: PTH101
                return None
        return WrongMode(path, mode, msg("its mode is {mode}", mode=f"{stat.S_IMODE(found.st_mode):04o}"))
    finally:
        os.close(descriptor)
