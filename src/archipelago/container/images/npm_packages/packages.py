"""From a lock file to an installed `node_modules`, as `npm ci --ignore-scripts` makes it. Nothing is executed."""

import asyncio
import json
import os
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from archipelago.container.images.disk_reserve import DiskReserve, free_disk
from archipelago.container.images.npm_packages.fetcher import NpmFetcher
from archipelago.container.images.npm_packages.tarball import BadTarball, Unpacked, unpack_tarball, unpacked_bytes
from archipelago.container.images.refusal import PackagesRefused
from archipelago.container.manifest.package_lock import (
    LockedPackage,
    PackageLockError,
    Platform,
    chosen,
    parse_package_lock,
)
from archipelago.support.texts.text import msg

_MOST_UNPACKED = 2 << 30
_MOST_DESCRIPTION = 1 << 20
_PROGRAMS = ".bin"
_COMPILED = "binding.gyp"
"""A package with this file has an addon, which npm would compile (node-gyp)."""
_ELF = b"\x7fELF"
_MACHINE = {"x64": 62, "arm64": 183}
"""Numbers of machines in the head of an ELF file (elf(5)), at byte 18."""


class NpmPackages:
    """Installs what lock files pin. `most` is the number of bytes that all packages of an app may have, unpacked."""

    def __init__(
        self, fetcher: NpmFetcher, most: int = _MOST_UNPACKED, free: Callable[[Path], int] = free_disk
    ) -> None:
        """`free` returns the bytes that are free where a folder is."""
        self._fetcher = fetcher
        self._most = most
        self._reserve = DiskReserve(free)

    async def install(
        self,
        lock: bytes,
        package: bytes,
        platform: Platform,
        folder: Path,
        into: Path,
        *,
        optional: bool = False,
        without_addon: Collection[str] = (),
    ) -> None:
        """Install what a package-lock.json (its content, and that of package.json) pins, into `into`/node_modules.

        `folder` is for this alone and must not exist. Packages in `without_addon` need not have their addon.
        Raises `PackagesRefused` and OSError.
        """
        try:
            packages = chosen(await asyncio.to_thread(parse_package_lock, lock, package), platform, optional=optional)
        except PackageLockError as error:
            raise PackagesRefused(
                msg("the lock file cannot be used: {error}", error=error), msg("correct the app's folder")
            ) from error
        await asyncio.to_thread(folder.mkdir, 0o700, True)
        tarballs = await self._fetcher.fetch(packages, folder)
        left = self._most
        for one in packages:
            left = await self._place(one, tarballs[one.sha512], into, left, platform, without_addon)
        await asyncio.to_thread(_link_programs, packages, into)

    async def _place(
        self,
        package: LockedPackage,
        tarball: Path,
        into: Path,
        left: int,
        platform: Platform,
        without_addon: Collection[str],
    ) -> int:
        """Unpack a package, and return how many bytes are left for others."""
        try:
            size = await asyncio.to_thread(unpacked_bytes, tarball)
            if size > left:
                raise PackagesRefused(
                    msg("the packages have more than {most} bytes, unpacked", most=self._most),
                    msg("ask for fewer packages"),
                )
            await self._reserve.require(tarball.parent, size)
            found = await asyncio.to_thread(_unpack, package, tarball, into)
        except BadTarball as error:
            raise PackagesRefused(
                msg("the package {package} is refused: {error}", package=package, error=error),
                msg("pin another version of it"),
            ) from error
        if package.name not in without_addon and _COMPILED in found.files and not _has_addon(found, platform):
            raise PackagesRefused(
                msg(
                    "{package} has an addon that must be compiled, and brings no compiled one for {platform}",
                    package=package,
                    platform=platform,
                ),
                msg("pin a version that brings it; 'without_addon' in the recipe is for what the app does not use"),
            )
        return left - size


def _unpack(package: LockedPackage, tarball: Path, into: Path) -> Unpacked:
    target = into / package.path
    if target.exists():
        raise BadTarball(f"another package brings files into its folder {package.path}")
    try:
        for each in reversed(target.relative_to(into).parents[:-1]):
            (into / each).mkdir(exist_ok=True)
            (into / each).chmod(0o755)
    except (FileExistsError, NotADirectoryError):
        raise BadTarball(f"another package has a file where its folder {package.path} is") from None
    found = unpack_tarball(tarball, target)
    _check_description(package, target)
    return found


def _check_description(package: LockedPackage, target: Path) -> None:
    """Check that a package says of itself what it is: the inventory of the image reads it there."""
    try:
        with (target / "package.json").open("rb") as file:
            described = json.loads(file.read(_MOST_DESCRIPTION).decode("utf-8-sig"))
        name, version = described.get("name"), str(described.get("version")).strip().removeprefix("v").partition("+")[0]
    except (FileNotFoundError, IsADirectoryError, ValueError, RecursionError, AttributeError):
        raise BadTarball("it has no package.json that can be read") from None
    if (name, version) != (package.name, package.version):
        raise BadTarball(f"its package.json says that it is {str(name)[:100]!r} in version {version[:100]!r}")


def _has_addon(found: Unpacked, platform: Platform) -> bool:
    machine = _MACHINE[platform.cpu].to_bytes(2, "little")
    return any(head[:4] == _ELF and head[18:20] == machine and "musl" not in name for name, head in found.addons)


def _link_programs(packages: Iterable[LockedPackage], into: Path) -> None:
    """Make the links to programs, once all is unpacked: nothing is written through one. Blocks on files."""
    for package in packages:
        programs = into / package.folder / _PROGRAMS
        for name, target in package.programs:
            program, link = into / package.path / target, programs / name
            # A program that a script would make or fetch is not there.
            if not program.is_file() or os.path.lexists(link):
                continue
            program.chmod(0o755)
            programs.mkdir(exist_ok=True)
            programs.chmod(0o755)
            link.symlink_to(os.path.relpath(program, programs))
