"""The catalog of a local folder: one sub-folder per app."""

import asyncio
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from archipelago.container.manifest.package import AppPackage, load_package
from archipelago.errors import ErrorCode, NodeError

_MAX_APPS = 20_000


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
                hint="mend the manifest, or tell its author",
            )
        near = difflib.get_close_matches(app, self.packages, n=3)
        raise NodeError(
            ErrorCode.UNKNOWN_APP,
            f"there is no app {app!r} in the catalog",
            hint=f"did you mean {' or '.join(near)}?" if near else "'archipelago catalog' lists the apps",
            data={"app": app, "nearest": near},
        )


class LocalCatalog:
    """Reads the folder again whenever a file in it has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamp: tuple[tuple[str, int], ...] | None = None
        self._catalog = Catalog()
        self._reading = asyncio.Lock()

    async def read(self) -> Catalog:
        """Return the catalog as it is on disk now."""
        async with self._reading:
            stamp = await asyncio.to_thread(_stamp, self._folder)
            if stamp != self._stamp:
                self._catalog = await asyncio.to_thread(_load, self._folder)
                self._stamp = stamp
            return self._catalog


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if (path / "manifest.yml").is_file())[:_MAX_APPS]


def _stamp(folder: Path) -> tuple[tuple[str, int], ...]:
    return tuple((str(file), file.lstat().st_mtime_ns) for app in _folders(folder) for file in sorted(app.rglob("*")))


def _load(folder: Path) -> Catalog:
    packages, problems = {}, {}
    for path in _folders(folder):
        try:
            packages[path.name] = load_package(path)
        except (NodeError, OSError) as error:
            problems[path.name] = str(error)
    return Catalog(packages, problems)
