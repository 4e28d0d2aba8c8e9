"""Brings the packages that a package-lock.json pins onto this node: by hash, and without executing anything."""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path

from archipelago.container.images.downloads import CONNECTIONS, DownloadFailure, Downloads, open_downloads
from archipelago.container.images.file_cache import FileCache
from archipelago.container.images.refusal import PackagesRefused
from archipelago.container.manifest.package_lock import LockedPackage
from archipelago.support.first_error import FirstError
from archipelago.support.texts.text import msg

_TIME = 900.0
_MOST_BYTES = 1 << 30
"""Of all tarballs of one app."""


def sha512_of(path: Path) -> str:
    """Return the SHA-512 of a file in hexadecimal. Blocks; raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()


class NpmFetcher:
    """Downloads from one registry, and keeps what it downloaded; `cache` keeps files by their SHA-512."""

    def __init__(self, registry: str, cache: FileCache) -> None:
        self._registry = registry
        self._cache = cache

    async def fetch(self, packages: Sequence[LockedPackage], folder: Path) -> dict[str, Path]:
        """Write the tarballs of packages into an empty folder, each once; return them by their hash.

        Raises `PackagesRefused` and OSError.
        """
        wanted = {package.sha512: package for package in packages}
        paths = {digest: folder / digest for digest in wanted}
        slots, sizes = asyncio.Semaphore(CONNECTIONS), list[int]()
        try:
            async with (
                asyncio.timeout(_TIME),
                open_downloads(self._registry) as downloads,
                FirstError(),
                asyncio.TaskGroup() as group,
            ):
                for digest, package in wanted.items():
                    group.create_task(self._one(package, paths[digest], downloads, slots, sizes))
        except TimeoutError:
            raise PackagesRefused(
                msg("the registry sent not everything within {seconds} s", seconds=f"{_TIME:.0f}"),
                msg("check the network, then try again"),
            ) from None
        await asyncio.to_thread(self._cache.trim)
        return paths

    async def _one(
        self, package: LockedPackage, path: Path, downloads: Downloads, slots: asyncio.Semaphore, sizes: list[int]
    ) -> None:
        async with slots:
            if not await asyncio.to_thread(self._cache.take, package.sha512, path):
                await self._download(package, path, downloads)
            sizes.append((await asyncio.to_thread(path.stat)).st_size)
            if sum(sizes) > _MOST_BYTES:
                raise PackagesRefused(
                    msg("the packages have more than {most_bytes} bytes", most_bytes=_MOST_BYTES),
                    msg("ask for fewer packages"),
                )

    async def _download(self, package: LockedPackage, path: Path, downloads: Downloads) -> None:
        try:
            await downloads.file(downloads.url(package.url_path), str(package), path, _MOST_BYTES)
        except DownloadFailure as error:
            raise PackagesRefused(
                msg("{file} cannot be downloaded: {error}", file=package, error=error),
                msg("check the network, then try again"),
            ) from error
        if not await asyncio.to_thread(self._cache.fits, package.sha512, path):
            raise PackagesRefused(
                msg("what the registry sends as {package} has another hash than the lock file says", package=package),
                msg("pin another version, or report it to the app's author"),
            )
        await asyncio.to_thread(self._cache.put, package.sha512, path)
