"""Brings the files that a requirements file pins onto this node: by hash, and without executing anything."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archipelago.container.images.downloads import DownloadFailure
from archipelago.container.images.file_cache import FileCache
from archipelago.container.images.python_packages.choice import Chosen, choose
from archipelago.container.images.python_packages.index import PackageIndex, open_index
from archipelago.container.images.python_packages.target import PythonTarget
from archipelago.container.images.refusal import PackagesRefused
from archipelago.container.manifest.requirements import Requirement
from archipelago.support.first_error import FirstError
from archipelago.support.texts.text import msg

_AT_ONCE = 16
_TIME = 900.0
_MOST_BYTES = 2 * 1024**3
_NETWORK = "check the network, then try again"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that is here, with the hash that it must have."""

    chosen: Chosen
    path: Path

    @property
    def name(self) -> str:
        """Its name in the index."""
        return self.chosen.file.filename


class PackageFetcher:
    """Downloads from one index, and keeps what it downloaded."""

    def __init__(self, index: str, cache: FileCache) -> None:
        self._index = index
        self._cache = cache

    async def fetch(self, requirements: Sequence[Requirement], target: PythonTarget, folder: Path) -> list[Fetched]:
        """Write the file that suits the target for each requirement into a folder, which must be empty.

        Raises `PackagesRefused` and OSError.
        """
        slots = asyncio.Semaphore(_AT_ONCE)
        total = _Total()
        try:
            async with (
                asyncio.timeout(_TIME),
                open_index(self._index) as index,
                FirstError(),
                asyncio.TaskGroup() as group,
            ):
                tasks = [
                    group.create_task(self._one(requirement, target, folder, index, slots, total))
                    for requirement in requirements
                ]
        except TimeoutError:
            raise PackagesRefused(
                msg("the index sent not everything within {seconds} s", seconds=f"{_TIME:.0f}"), _NETWORK
            ) from None
        await asyncio.to_thread(self._cache.trim)
        return [task.result() for task in tasks]

    async def _one(
        self,
        requirement: Requirement,
        target: PythonTarget,
        folder: Path,
        index: PackageIndex,
        slots: asyncio.Semaphore,
        total: "_Total",
    ) -> Fetched:
        async with slots:
            try:
                chosen = await self._choose(requirement, target, index)
                path = folder / chosen.file.filename
                if not await asyncio.to_thread(self._cache.take, chosen.file.sha256, path):
                    await index.download(chosen.file, path)
                    await asyncio.to_thread(self._cache.put, chosen.file.sha256, path)
            except DownloadFailure as error:
                raise PackagesRefused(
                    msg("{requirement} cannot be downloaded: {error}", requirement=requirement, error=error), _NETWORK
                ) from error
            total.add((await asyncio.to_thread(path.stat)).st_size)
            return Fetched(chosen, path)

    async def _choose(self, requirement: Requirement, target: PythonTarget, index: PackageIndex) -> Chosen:
        files = await index.files(requirement.name, requirement.hashes)
        chosen = await asyncio.to_thread(choose, requirement, files, target)
        if chosen is None:
            reason = (
                msg("none of its files is for Python {version} of {suite}", version=target.version, suite=target.suite)
                if files
                else msg("no such file")
            )
            raise PackagesRefused(
                msg(
                    "{requirement} is not to be had from the index: {reason} (line {line})",
                    requirement=requirement,
                    reason=reason,
                    line=requirement.line,
                ),
                msg("pin a version that has a wheel for it, with the hash that the index names"),
            )
        return chosen


class _Total:
    def __init__(self) -> None:
        self._bytes = 0

    def add(self, size: int) -> None:
        self._bytes += size
        if self._bytes > _MOST_BYTES:
            raise PackagesRefused(
                msg("the packages have more than {most_bytes} bytes", most_bytes=_MOST_BYTES),
                msg("ask for fewer packages"),
            )
