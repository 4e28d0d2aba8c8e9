"""Keeps what mmdebstrap makes in the daemons of the tests, as long as the tests run: the same is made once.

All else of a build is done each time: its folder, its Python packages, the image, its name, its signature. Who makes
images without a daemon makes them from the beginning, unless a test that is about something else asks for `kept`.

Go programs take minutes to compile. Where a folder is named for them, they are kept for the next run as well
(`make test-catalog`): the same go.mod, go.sum and recipe give the same programs.
"""

import asyncio
import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from archipelago.container.images.build.sandbox import BuildSandbox
from archipelago.container.images.image_builder import ImageBuilder
from archipelago.container.images.progress import OnProgress
from archipelago.container.manifest.model.images import GoBuild
from archipelago.container.manifest.package import AppPackage

FOLDER = "ARCHIPELAGO_TEST_ARCHIVES"
"""Variable that names the folder; without it, nothing is kept."""
PROGRAMS = "ARCHIPELAGO_TEST_PROGRAMS"
"""Variable that names the folder with compiled Go programs; without it, they are compiled."""
IMAGES = "ARCHIPELAGO_TEST_IMAGES"
"""Variable that names the folder with notes of built images; see `kept_images`, which imports half of the node."""


def keep_archives() -> None:
    """Have the builds of this process take what is in the folder, or put it there."""
    if FOLDER in os.environ:
        BuildSandbox.run_tool = kept(Path(os.environ[FOLDER]))  # type: ignore[method-assign,assignment]
    if PROGRAMS in os.environ:
        ImageBuilder._build_go = kept_programs(Path(os.environ[PROGRAMS]))  # type: ignore[method-assign,assignment]


Tool = Callable[[BuildSandbox, Sequence[str], Path, Sequence[Path]], Coroutine[Any, Any, tuple[int, str]]]


def kept(archives: Path) -> Tool:
    """Return `BuildSandbox.run_tool` with what is in a folder."""
    real = BuildSandbox.run_tool

    async def run_tool(
        self: BuildSandbox, command: Sequence[str], folder: Path, hidden: Sequence[Path]
    ) -> tuple[int, str]:
        archive = archives / _digest(command, folder / "overlay")
        if archive.exists():
            shutil.copyfile(archive / "output.tar", folder / "output.tar")
            return 0, (archive / "printed").read_text()
        code, printed = await real(self, command, folder, hidden)
        if code == 0:
            new = archives / secrets.token_hex(8)
            new.mkdir(parents=True)
            shutil.copyfile(folder / "output.tar", new / "output.tar")
            (new / "printed").write_text(printed)
            with contextlib.suppress(OSError):  # another lane has made the same meanwhile
                new.rename(archive)
        return code, printed

    return run_tool


Compile = Callable[[ImageBuilder, AppPackage, GoBuild, Path, Path, OnProgress], Coroutine[Any, Any, None]]


def kept_programs(folder: Path) -> Compile:
    """Return `ImageBuilder._build_go` with what is in a folder."""
    real = ImageBuilder._build_go

    async def build_go(
        self: ImageBuilder, package: AppPackage, build: GoBuild, work: Path, into: Path, report: OnProgress
    ) -> None:
        parts = (build.model_dump_json().encode(), package.files[build.module], package.files[build.sums])
        programs = folder / hashlib.sha256(b"\0".join(parts)).hexdigest()
        if not await asyncio.to_thread(programs.is_dir):
            await real(self, package, build, work, into, report)
            await asyncio.to_thread(_keep, into, programs)
        await asyncio.to_thread(shutil.copytree, programs, into, dirs_exist_ok=True)

    return build_go


def _keep(programs: Path, kept: Path) -> None:
    new = kept.with_name(secrets.token_hex(8))
    shutil.copytree(programs, new)
    with contextlib.suppress(OSError):  # another lane has made the same meanwhile
        new.rename(kept)


def _digest(command: Sequence[str], overlay: Path) -> str:
    """Return a digest over all that the output depends on but the packages in Debian's archive."""
    found = hashlib.sha256("\0".join(command).encode())
    for path in sorted(overlay.rglob("*")):
        content = b"" if path.is_dir() else hashlib.sha256(path.read_bytes()).digest()
        found.update(f"\0{path.relative_to(overlay)}\0{path.stat().st_mode:o}\0".encode() + content)
    return found.hexdigest()
