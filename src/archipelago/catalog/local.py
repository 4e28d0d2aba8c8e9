"""The catalog of a local folder: one sub-folder per app, and one of bundles."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from archipelago.catalog.folder_marks import FolderMarks, folder_marks
from archipelago.catalog.source import Catalog, Origin
from archipelago.container.manifest.bundle import BUNDLES, Bundle, load_bundles
from archipelago.container.manifest.package import MANIFEST_NAME, AppPackage, load_package
from archipelago.container.manifest.screenshots import read_screenshot
from archipelago.errors import NodeError

_MAX_APPS = 20_000


@dataclass(frozen=True, slots=True)
class _Loaded:
    marks: FolderMarks
    found: AppPackage | str
    """The app, or what is wrong with it."""


_Known = dict[str, _Loaded]
"""By the folder's name."""


@dataclass(frozen=True, slots=True)
class _Bundles:
    marks: FolderMarks
    found: Mapping[str, Bundle | str]
    """Each bundle, or what is wrong with it."""


_NO_BUNDLES = _Bundles(FolderMarks((), settled=False), {})


class LocalCatalog:
    """Reads an app's folder again whenever something in it has changed."""

    def __init__(self, folder: Path, now: Callable[[], int] = time.time_ns) -> None:
        self._folder = folder
        self._now = now
        self._seen: tuple[_Known, _Bundles, Catalog] = {}, _NO_BUNDLES, Catalog()
        """All at once: a reader who is cancelled does not stop the thread that reads for him."""
        self._reading = asyncio.Lock()

    async def read(self) -> Catalog:
        """Return the catalog as it is on disk now; the same value for as long as it is the same there."""
        async with self._reading:
            return await asyncio.to_thread(self._look)

    async def screenshot(self, app: str, name: str) -> bytes | None:
        """Return a picture of an app; None where it has none of that name, or another one by now."""
        package = (await self.read()).package(app)
        found = next((each for each in package.screenshots if each.name == name), None)
        return None if found is None else await asyncio.to_thread(read_screenshot, self._folder / app, found)

    def _look(self) -> Catalog:
        """Read what has changed."""
        earlier, bundles_before, catalog = self._seen
        known: _Known = {}
        for name in _names(self._folder):
            if (loaded := self._loaded(self._folder / name, earlier.get(name))) is not None:
                known[name] = loaded
                if len(known) == _MAX_APPS:
                    break
        bundles = self._bundles(bundles_before)
        if (
            bundles.found is not bundles_before.found
            or known.keys() != earlier.keys()
            or any(known[name].found is not earlier[name].found for name in known)
        ):
            catalog = _catalog(self._folder, known, bundles.found)
        self._seen = known, bundles, catalog
        return catalog

    def _bundles(self, before: _Bundles) -> _Bundles:
        if before.marks.hold():
            return before
        folder = self._folder / BUNDLES
        marks, found = folder_marks(folder, self._now()), load_bundles(folder)
        return _Bundles(marks, before.found if before.found == found else found)

    def _loaded(self, folder: Path, before: _Loaded | None) -> _Loaded | None:
        """Return the app of a folder; None where the folder is no app's."""
        if before is not None and before.marks.hold():
            return before
        # A link counts as well, so that it can be said what is wrong with it.
        if not os.path.lexists(folder / MANIFEST_NAME):
            return None
        marks, found = folder_marks(folder, self._now()), _load(folder)
        # What was only looked at again stays the same value.
        return _Loaded(marks, before.found if before is not None and before.found == found else found)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _load(folder: Path) -> AppPackage | str:
    try:
        return load_package(folder)
    except (NodeError, OSError) as error:
        return str(error)


def _catalog(folder: Path, known: _Known, bundles: Mapping[str, Bundle | str]) -> Catalog:
    found = {name: loaded.found for name, loaded in known.items()}
    return Catalog(
        {name: app for name, app in found.items() if not isinstance(app, str)},
        {name: problem for name, problem in found.items() if isinstance(problem, str)},
        {name: Origin("local", str(folder / name)) for name in found},
        {name: bundle for name, bundle in bundles.items() if not isinstance(bundle, str)},
        {name: problem for name, problem in bundles.items() if isinstance(problem, str)},
    )
