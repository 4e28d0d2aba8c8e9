"""Brings the modules that a go.sum pins onto this node: by hash, and without executing anything."""

import asyncio
from pathlib import Path

from archipelago.container.images.downloads import CONNECTIONS, DownloadFailure, Downloads, open_downloads
from archipelago.container.images.file_cache import FileCache
from archipelago.container.images.go_modules.sums import GoFile, GoFileKind, GoSumError, parse_go_sum
from archipelago.container.images.refusal import PackagesRefused
from archipelago.support.first_error import FirstError
from archipelago.support.texts.text import msg

_TIME = 1800.0
_MOST = {GoFileKind.ZIP: 500 << 20, GoFileKind.MOD: 16 << 20}
"""Bytes of a file, as Go itself has it (https://go.dev/ref/mod#zip-path-size-constraints)."""
_MOST_BYTES = 2 << 30


class GoModuleFetcher:
    """Downloads from one module proxy, and keeps what it downloaded; `cache` keeps files by their `h1` hash."""

    def __init__(self, proxy: str, cache: FileCache) -> None:
        self._proxy = proxy
        self._cache = cache

    async def fetch(self, sums: bytes, folder: Path) -> None:
        """Write what a go.sum (its content) pins into an empty folder, as a proxy has it: for `GOPROXY=file://…`.

        Raises `PackagesRefused` and OSError.
        """
        files = _read(sums)
        slots, sizes = asyncio.Semaphore(CONNECTIONS), _Sizes()
        try:
            async with (
                asyncio.timeout(_TIME),
                open_downloads(self._proxy) as downloads,
                FirstError(),
                asyncio.TaskGroup() as group,
            ):
                for file in files:
                    group.create_task(self._one(file, folder / file.path, downloads, slots, sizes))
        except TimeoutError:
            raise PackagesRefused(
                msg("the module proxy sent not everything within {seconds} s", seconds=f"{_TIME:.0f}"),
                msg("check the network, then try again"),
            ) from None
        await asyncio.to_thread(self._cache.trim)

    async def _one(
        self, file: GoFile, path: Path, downloads: Downloads, slots: asyncio.Semaphore, sizes: "_Sizes"
    ) -> None:
        async with slots:
            await asyncio.to_thread(path.parent.mkdir, 0o700, True, True)
            if not await asyncio.to_thread(self._cache.take, file.digest, path):
                await self._download(file, path, downloads)
            sizes.add((await asyncio.to_thread(path.stat)).st_size)

    async def _download(self, file: GoFile, path: Path, downloads: Downloads) -> None:
        try:
            await downloads.file(downloads.url(file.url_path), str(file), path, _MOST[file.kind])
        except DownloadFailure as error:
            raise PackagesRefused(
                msg("{file} cannot be downloaded: {error}", file=file, error=error),
                msg("check the network, then try again"),
            ) from error
        if not await asyncio.to_thread(self._cache.fits, file.digest, path):
            raise PackagesRefused(
                msg("what the module proxy sends as {file} has another hash than go.sum says", file=file),
                msg("pin another version, or report it to the app's author"),
            )
        await asyncio.to_thread(self._cache.put, file.digest, path)


def _read(sums: bytes) -> tuple[GoFile, ...]:
    try:
        return parse_go_sum(sums)
    except GoSumError as error:
        raise PackagesRefused(
            msg("the go.sum cannot be used: {error}", error=error), msg("correct the app's folder")
        ) from error


class _Sizes:
    def __init__(self) -> None:
        self._bytes = 0

    def add(self, size: int) -> None:
        """Count a file. Raises `PackagesRefused` where all are too large together."""
        self._bytes += size
        if self._bytes > _MOST_BYTES:
            raise PackagesRefused(
                msg("the modules have more than {most} bytes", most=_MOST_BYTES), msg("ask for fewer modules")
            )
