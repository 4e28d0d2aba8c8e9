"""Installs checked wheels into a folder: unpacked by uv, which gets no network and executes nothing of them."""

import asyncio
import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import NormalizedName
from packaging.version import Version

from archipelago.container.first_error import FirstError
from archipelago.container.python_packages.errors import PackagesRefused
from archipelago.container.python_packages.target import PythonTarget
from archipelago.container.python_packages.wheel import BadWheel, rewrite_wheel
from archipelago.container.tool_process import run_tool

_ORIGIN = "uv_cache.json"


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
    """Installs wheels by uv."""

    def __init__(self, uv: str) -> None:
        self._uv = uv

    async def install(self, wheels: Sequence[Wheel], target: PythonTarget, folder: Path, into: Path) -> None:
        """Check wheels and unpack them into `into`; `folder` is for this alone and must not exist.

        Raises `PackagesRefused` and OSError.
        """
        if not wheels:
            return
        checked, empty, requirements = folder / "wheels", folder / "home", folder / "requirements.txt"
        for each in (folder, checked, empty):
            await asyncio.to_thread(each.mkdir, 0o700)
        async with FirstError(), asyncio.TaskGroup() as group:
            tasks = [group.create_task(asyncio.to_thread(_rewrite, wheel, checked)) for wheel in wheels]
        lines = [task.result() for task in tasks]
        # What uv reads is written here from checked values: there is no second reading of the app's own file.
        await asyncio.to_thread(requirements.write_text, "".join(lines), "ascii")
        command = uv_command(self._uv, target, folder, into)
        code, output = await run_tool(command, uv_environment(folder))
        if code != 0:
            raise PackagesRefused(f"uv: {output.strip() or f'exit code {code}'}", "pin other versions of the packages")
        await asyncio.to_thread(_forget_origin, into)
        await asyncio.to_thread(_check_tree, into)


def _rewrite(wheel: Wheel, checked: Path) -> str:
    path = checked / wheel.filename
    try:
        rewrite_wheel(wheel.path, wheel.filename, path)
    except BadWheel as error:
        raise PackagesRefused(
            f"the wheel of {wheel.name}=={wheel.version} is refused: {error}", "pin another version of it"
        ) from error
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
                raise PackagesRefused(f"{name!r} was installed as a link or a device", "tell the app's author")
