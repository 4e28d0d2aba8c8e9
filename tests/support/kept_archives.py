"""Keeps what mmdebstrap makes in the daemons of the tests, as long as the tests run: the same is made once.

All else of a build is done each time: its folder, its Python packages, the image, its name, its signature. Who makes
images without a daemon makes them from the beginning, unless a test that is about something else asks for `kept`.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from archipelago.container.images.build.sandbox import BuildSandbox

FOLDER = "ARCHIPELAGO_TEST_ARCHIVES"
"""Variable that names the folder; without it, nothing is kept."""
IMAGES = "ARCHIPELAGO_TEST_IMAGES"
"""Variable that names the folder with notes of built images; see `kept_images`, which imports half of the node."""


def keep_archives() -> None:
    """Have the builds of this process take what is in the folder, or put it there."""
    if FOLDER in os.environ:
        BuildSandbox.run_tool = kept(Path(os.environ[FOLDER]))  # type: ignore[method-assign,assignment]


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


def _digest(command: Sequence[str], overlay: Path) -> str:
    """Return a digest over all that the output depends on but the packages in Debian's archive."""
    found = hashlib.sha256("\0".join(command).encode())
    for path in sorted(overlay.rglob("*")):
        content = b"" if path.is_dir() else hashlib.sha256(path.read_bytes()).digest()
        found.update(f"\0{path.relative_to(overlay)}\0{path.stat().st_mode:o}\0".encode() + content)
    return found.hexdigest()
