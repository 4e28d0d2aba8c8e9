"""Asks a package index (simple API in JSON, PEP 691) and downloads files of it. Nothing that comes is executed."""

import asyncio
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import NormalizedName

from archipelago.container.images.downloads import DownloadFailure, Downloads, joined, open_downloads
from archipelago.container.images.python_packages.choice import IndexFile, NotAnIndex, read_index_page
from archipelago.support.texts.text import msg

_ACCEPTED = {"Accept": "application/vnd.pypi.simple.v1+json"}


@dataclass(frozen=True, slots=True)
class IndexLimits:
    """What is taken of an index at most."""

    page: int = 32 * 1024**2
    """Bytes of a project's list of files."""
    file: int = 512 * 1024**2
    """Bytes of one file."""


class PackageIndex:
    """A session with one index."""

    def __init__(self, downloads: Downloads, limits: IndexLimits | None = None) -> None:
        self._downloads = downloads
        self._limits = limits or IndexLimits()

    async def files(self, project: NormalizedName, hashes: Set[str]) -> tuple[IndexFile, ...]:
        """Return the files of a project that have one of these hashes. Raises `DownloadFailure`."""
        url = self._downloads.url(f"{project}/")

        def too_large() -> str:
            return msg(
                "its list of files of {project} has more than {page} bytes", project=project, page=self._limits.page
            )

        page = await self._downloads.page(url, _ACCEPTED, self._limits.page, too_large)
        if page is None:
            return ()
        try:
            files = await asyncio.to_thread(read_index_page, page, hashes)
        except NotAnIndex as error:
            raise DownloadFailure(str(error)) from error
        return tuple(replace(file, url=joined(url, file.url)) for file in files)

    async def download(self, file: IndexFile, target: Path) -> None:
        """Write a file that has exactly the hash that it must have. Raises `DownloadFailure` and OSError."""
        found = await self._downloads.file(file.url, file.filename, target, self._limits.file)
        if found != file.sha256:
            raise DownloadFailure(
                msg("what it sends as {filename} has another SHA-256 than it must have", filename=file.filename)
            )


@asynccontextmanager
async def open_index(url: str, limits: IndexLimits | None = None) -> AsyncIterator[PackageIndex]:
    """Yield a session with the index at a URL, through the proxy that the environment names."""
    async with open_downloads(url) as downloads:
        yield PackageIndex(downloads, limits)
