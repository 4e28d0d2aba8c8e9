"""Keeps what mmdebstrap makes in the daemons of the tests, as long as the tests run: the same is made once.

All else of a build is done each time: its folder, its Python packages, the image, its name, its signature. Who makes
images without a daemon makes them from the beginning.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from archipelago.container.images.build.sandbox import BuildSandbox

FOLDER = "ARCHIPELAGO_TEST_ARCHIVES"
"""Variable that names the folder; without it, nothing is kept."""


def keep_archives() -> None:
    """Have the builds of this process take what is in the folder, or put it there."""
    if FOLDER not in os.environ:
        return
    kept, real = Path(os.environ[FOLDER]), BuildSandbox.run_tool

    async def run_tool(
        self: BuildSandbox, command: Sequence[str], folder: Path, hidden: Sequence[Path]
    ) -> tuple[int, str]:
        archive = kept / _digest(command, folder / "overlay")
        if archive.exists():
            shutil.copyfile(archive / "output.tar", folder / "output.tar")
            return 0, (archive / "printed").read_text()
        code, printed = await real(self, command, folder, hidden)
        if code == 0:
            new = kept / secrets.token_hex(8)
            new.mkdir(parents=True)
            shutil.copyfile(folder / "output.tar", new / "output.tar")
            (new / "printed").write_text(printed)
            with contextlib.suppress(OSError):  # another lane has made the same meanwhile
                new.rename(archive)
        return code, printed

    BuildSandbox.run_tool = run_tool  # type: ignore[method-assign]


def _digest(command: Sequence[str], overlay: Path) -> str:
    """Return a digest over all that the output depends on but the packages in Debian's archive."""
    found = hashlib.sha256("\0".join(command).encode())
    for path in sorted(overlay.rglob("*")):
        content = b"" if path.is_dir() else hashlib.sha256(path.read_bytes()).digest()
        found.update(f"\0{path.relative_to(overlay)}\0{path.stat().st_mode:o}\0".encode() + content)
    return found.hexdigest()
