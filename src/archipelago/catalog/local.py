"""The catalog of a local folder: one sub-folder per app."""

import asyncio
import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from archipelago.container.manifest.app_folder import entries, opened
from archipelago.container.manifest.package import MANIFEST_NAME, AppPackage, load_package
from archipelago.errors import ErrorCode, NodeError

_MAX_APPS = 20_000

_Stamp = tuple[tuple[str, int, int, int], ...]
_Known = dict[str, tuple[_Stamp, AppPackage | str]]
"""By its folder's name: what the folder looked like, and the app, or what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """The apps of a folder, and what is wrong with those that cannot be used."""

    packages: Mapping[str, AppPackage] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)

    def package(self, app: str) -> AppPackage:
        """Return an app; raises `NodeError` when there is none (with the nearest names), or its manifest is wrong."""
        if app in self.packages:
            return self.packages[app]
        if app in self.problems:
            raise NodeError(
                ErrorCode.INVALID_MANIFEST,
                f"the manifest of {app} is wrong:\n{self.problems[app]}",
                hint="fix the manifest, or report it to its author",
            )
        near = difflib.get_close_matches(app, self.packages, n=3)
        raise NodeError(
            ErrorCode.UNKNOWN_APP,
            f"there is no app {app!r} in the catalog",
            hint=f"did you mean {' or '.join(near)}?" if near else "'archipelago catalog' lists the apps",
            data={"app": app, "nearest": near},
        )


class LocalCatalog:
    """Reads an app's folder again whenever something in it has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: tuple[_Known, Catalog] = {}, Catalog()
        """Both at once: a reader who is cancelled does not stop the thread that reads for him."""
        self._reading = asyncio.Lock()

    async def read(self) -> Catalog:
        """Return the catalog as it is on disk now."""
        async with self._reading:
            return await asyncio.to_thread(self._look)

    def _look(self) -> Catalog:
        """Read what has changed."""
        earlier, catalog = self._seen
        known: _Known = {}
        for path in _folders(self._folder):
            stamp, before = _stamp(path), earlier.get(path.name)
            known[path.name] = before if before is not None and before[0] == stamp else (stamp, _load(path))
        if known.keys() != earlier.keys() or any(known[name] is not earlier[name] for name in known):
            found = [(name, app) for name, (_, app) in known.items()]
            catalog = Catalog(
                {name: app for name, app in found if not isinstance(app, str)},
                {name: problem for name, problem in found if isinstance(problem, str)},
            )
            self._seen = known, catalog
        return catalog


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    # A link counts as well, so that it can be said what is wrong with it.
    return sorted(path for path in folder.iterdir() if os.path.lexists(path / MANIFEST_NAME))[:_MAX_APPS]


def _stamp(folder: Path) -> _Stamp:
    """Return what changes with the content of a folder; nothing is read, and no link followed."""
    try:
        with opened(folder) as here:
            return tuple(
                (entry.path, entry.status.st_mtime_ns, entry.status.st_ino, entry.status.st_nlink)
                for entry in entries(here)
            )
    except OSError as error:
        return ((str(error), 0, 0, 0),)


def _load(folder: Path) -> AppPackage | str:
    try:
        return load_package(folder)
    except (NodeError, OSError) as error:
        return str(error)
