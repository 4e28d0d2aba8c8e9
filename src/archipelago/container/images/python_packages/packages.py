"""From a requirements file to an installed folder."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from archipelago.container.images.python_packages.choice import FileKind
from archipelago.container.images.python_packages.fetcher import Fetched, PackageFetcher
from archipelago.container.images.python_packages.installer import Wheel, WheelInstaller
from archipelago.container.images.python_packages.target import PythonTarget
from archipelago.container.images.refusal import PackagesRefused
from archipelago.container.manifest.requirements import (
    Requirement,
    RequirementsError,
    applicable,
    parse_requirements,
)
from archipelago.support.texts.text import msg

SourceBuilder = Callable[[Sequence[Fetched], PythonTarget, Path], Awaitable[list[Wheel]]]
"""Returns a wheel for each source distribution; it gets a folder for this alone, which does not exist yet."""


class PythonPackages:
    """Installs what requirements files pin."""

    def __init__(self, fetcher: PackageFetcher, installer: WheelInstaller) -> None:
        self._fetcher = fetcher
        self._installer = installer

    async def install(
        self, content: bytes, target: PythonTarget, folder: Path, into: Path, builder: SourceBuilder | None
    ) -> None:
        """Install what a requirements file (its content) pins into `into`; `folder` is for this alone.

        Without a `builder`, source distributions are refused. Raises `PackagesRefused` and OSError.
        """
        downloads = folder / "downloads"
        await asyncio.to_thread(downloads.mkdir, 0o700, True)
        fetched = await self._fetcher.fetch(_read(content, target), target, downloads)
        sources = [file for file in fetched if file.chosen.kind is FileKind.SDIST]
        wheels = [_wheel(file) for file in fetched if file.chosen.kind is FileKind.WHEEL]
        if sources:
            wheels += await _built(builder, sources, target, folder / "built")
        await self._installer.install(wheels, target, folder / "install", into)


async def _built(
    builder: SourceBuilder | None, sources: Sequence[Fetched], target: PythonTarget, folder: Path
) -> list[Wheel]:
    if builder is None:
        names = ", ".join(str(file.chosen.requirement) for file in sources)
        raise PackagesRefused(
            msg(
                "no pinned file is a wheel of {names} for Python {version}, and to build one executes "
                "what is in a source distribution",
                names=names,
                version=target.version,
            ),
            msg("pin versions that have wheels, or name hash-pinned build backends under 'python_build' in the recipe"),
        )
    return await builder(sources, target, folder)


def _wheel(file: Fetched) -> Wheel:
    requirement = file.chosen.requirement
    return Wheel(requirement.name, requirement.version, file.name, file.path)


def _read(content: bytes, target: PythonTarget) -> tuple[Requirement, ...]:
    try:
        return applicable(parse_requirements(content), target.environment)
    except RequirementsError as error:
        raise PackagesRefused(
            msg("the requirements file cannot be used: {error}", error=error), msg("correct the app's folder")
        ) from error
