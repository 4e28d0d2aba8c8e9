"""Installs checked wheels into a folder: unpacked by uv, which gets no network and executes nothing of them."""

import asyncio
import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import NormalizedName
from packaging.version import Version

from archipelago.container.images.build.tool_process import run_tool
from archipelago.container.images.disk_reserve import DiskReserve, free_disk
from archipelago.container.images.python_packages.target import PythonTarget
from archipelago.container.images.python_packages.wheel import BadWheel, rewrite_wheel, unpacked_size
from archipelago.container.images.refusal import PackagesRefused
from archipelago.support.first_error import FirstError
from archipelago.support.texts.text import msg

_ORIGIN = "uv_cache.json"
_MOST_UNPACKED = 2 * 1024**3
_LOOK = 0.2
"""Seconds between two looks at the disk."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel that was downloaded or built, and not yet checked."""

    name: NormalizedName
    version: Version
    filename: str
    path: Path


def uv_command(uv: str, target: PythonTarget, folder: Path, into: Path) -> tuple[str, ...]:
    """Return the command that installs the wheels in a folder, and nothing else, for the image's Python."""
    return (
        *(uv, "pip", "install", "--quiet", "--directory", str(folder / "home")),
        *("--no-config", "--offline", "--no-build", "--no-index", "--require-hashes", "--no-deps"),
        *("--find-links", str(folder / "wheels"), "--link-mode", "hardlink"),
        *("--python", "/usr/bin/python3", "--python-version", target.version),
        *("--python-platform", target.uv_platform, "--target", str(into)),
        *("--requirements", str(folder / "requirements.txt")),
    )


def uv_environment(folder: Path) -> dict[str, str]:
    """Return the whole environment of that command: nothing of the node's own, and a home that is empty."""
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder),
        "UV_CACHE_DIR": str(folder / "uv-cache"),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_ENV_FILE": "1",
    }


class WheelInstaller:
    """Installs wheels by uv. `most` is the number of bytes that all wheels of one build may have, unpacked.

    `free` returns the bytes that are free where a folder is.
    """

    def __init__(self, uv: str, most: int = _MOST_UNPACKED, free: Callable[[Path], int] = free_disk) -> None:
        self._uv = uv
        self._most = most
        self._reserve = DiskReserve(free)
        # A wheel may take a minute, and each takes a thread of those that the whole node shares.
        self._turn = asyncio.Semaphore(1)

    async def install(self, wheels: Sequence[Wheel], target: PythonTarget, folder: Path, into: Path) -> None:
        """Check wheels and unpack them into `into`; `folder` is for this alone and must not exist.

        Raises `PackagesRefused` and OSError.
        """
        if not wheels:
            return
        checked, empty, requirements = folder / "wheels", folder / "home", folder / "requirements.txt"
        for each in (folder, checked, empty):
            await asyncio.to_thread(each.mkdir, 0o700)
        lines = await self._rewrite_all(wheels, checked)
        # What uv reads is written here from checked values: there is no second reading of the app's own file.
        await asyncio.to_thread(requirements.write_text, "".join(lines), "ascii")
        command = uv_command(self._uv, target, folder, into)
        async with FirstError(), asyncio.TaskGroup() as group:
            running = group.create_task(run_tool(command, uv_environment(folder)))
            watching = group.create_task(self._watch_disk(folder))
            running.add_done_callback(lambda _: watching.cancel())
        code, output = running.result()
        if code != 0:
            raise PackagesRefused(
                f"uv: {output.strip() or f'exit code {code}'}", msg("pin other versions of the packages")
            )
        await asyncio.to_thread(_forget_origin, into)
        await asyncio.to_thread(_check_tree, into)

    async def _rewrite_all(self, wheels: Sequence[Wheel], checked: Path) -> list[str]:
        """Return the lines of the requirements."""
        lines, left = [], self._most
        for wheel in wheels:
            async with self._turn:
                size = await asyncio.to_thread(_size, wheel)
                left -= size
                if left < 0:
                    raise PackagesRefused(
                        msg("the packages have more than {most} bytes, unpacked", most=self._most),
                        msg("ask for fewer packages"),
                    )
                await self._reserve.require(checked, size)
                lines.append(await asyncio.to_thread(_rewrite, wheel, checked))
        await self._reserve.require(checked, self._most - left)  # uv unpacks all of them once more
        return lines

    async def _watch_disk(self, folder: Path) -> None:
        while True:
            await self._reserve.require(folder, 0)
            await asyncio.sleep(_LOOK)


def _size(wheel: Wheel) -> int:
    try:
        return unpacked_size(wheel.path)
    except BadWheel as error:
        raise _refused(wheel, error) from error


def _refused(wheel: Wheel, error: BadWheel) -> PackagesRefused:
    return PackagesRefused(
        msg(
            "the wheel of {wheel}=={version} is refused: {error}", wheel=wheel.name, version=wheel.version, error=error
        ),
        msg("pin another version of it"),
    )


def _rewrite(wheel: Wheel, checked: Path) -> str:
    path = checked / wheel.filename
    try:
        rewrite_wheel(wheel.path, wheel.filename, path)
    except BadWheel as error:
        raise _refused(wheel, error) from error
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{wheel.name}=={wheel.version} --hash=sha256:{digest}\n"


def _forget_origin(folder: Path) -> None:
    """Remove what uv notes of local wheels, their time: the same packages give the same image."""
    for note in folder.glob(f"*.dist-info/{_ORIGIN}"):
        note.unlink()
        record = note.with_name("RECORD")
        mark = f"{note.relative_to(folder)},".encode()
        lines = record.read_bytes().splitlines(keepends=True)
        record.write_bytes(b"".join(line for line in lines if not line.startswith(mark)))


def _check_tree(folder: Path) -> None:
    """Check that nothing but files and folders was made: the image is made of them by a program that is root there."""
    for directory, names, files in os.walk(folder):
        for name in (*names, *files):
            mode = (Path(directory) / name).lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise PackagesRefused(
                    msg("{name} was installed as a link or a device", name=f"{name!r}"),
                    msg("report it to the app's author"),
                )
