"""Copies of streamed files in the folder of a target, sealed under the node's key, beside the repository there.

restic takes seconds for the smallest snapshot on a small board; these take milliseconds.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from archipelago.container.data.stream_copies import (
    LARGEST,
    StreamCopy,
    copy_named,
    read_from_disk,
    require_content,
    spent_copies,
)
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secrets.manager import Sealer
from archipelago.storage.layout import named
from archipelago.support.private_files import make_folder, reported, write_atomically
from archipelago.support.texts.text import msg

PROOFS = "proofs"
"""In the folder of a target. restic ignores what it does not know in its repository."""
_SEALED = ".age"
LARGEST_SEALED = 2 * LARGEST
"""Bytes of a sealed copy, at most."""


@dataclass(frozen=True, slots=True)
class ProofFile:
    """A copy in the folder of a target."""

    copy: StreamCopy
    path: Path
    """`NAME.INSTALLATION.age`; the installation is that of the app which wrote it."""

    def is_of(self, installation: str) -> bool:
        """Return whether an installation has written it."""
        return self.path.name == f"{self.copy.name}.{installation}{_SEALED}"


def proofs_named(folder: Path, names: Iterable[str]) -> tuple[ProofFile, ...]:
    """Return the copies of which a folder has the names, the oldest first. Pure."""
    found = []
    for name in sorted(names):
        copy = copy_named(name.partition(".")[0])
        if copy is not None and name.endswith(_SEALED):
            found.append(ProofFile(copy, folder / name))
    return tuple(sorted(found, key=lambda each: each.copy.number))


def placed(
    there: Sequence[ProofFile], folder: Path, installation: str, copy: StreamCopy
) -> tuple[ProofFile, tuple[ProofFile, ...]]:
    """Return what a copy becomes in a folder, and those that are spent with it. Pure."""
    own = [each for each in there if each.is_of(installation)]
    written = next((each for each in own if each.copy.digest == copy.digest), None)
    if written is None:
        number = max((copy.number, *(each.copy.number + 1 for each in there)))
        made = StreamCopy(number, copy.size, copy.digest)
        written = ProofFile(made, folder / f"{made.name}.{installation}{_SEALED}")
        own.append(written)
    spent = spent_copies([each.copy for each in own])
    return written, tuple(each for each in own if each.copy in spent and each != written)


@dataclass(frozen=True, slots=True)
class FolderProofs:
    """Writes and reads the copies in one folder. Blocking; raises `NodeError`."""

    root: Path
    sealer: Sealer

    def write(self, app: str, volume: str, installation: str, content: bytes, copy: StreamCopy) -> None:
        """Have a copy that this installation of the app wrote be there, whole, and delete spent ones that it wrote.

        Those of another installation may prove other money, and their numbers may be higher: the copy gets a number
        above all that are there.
        """
        require_content(content, copy, self.root)
        if not (self.root / "config").is_file():
            raise NodeError(
                ErrorCode.DATA_MISSING,
                msg("there is no repository at {where} any more", where=self.root),
                hint=msg("connect and mount the disk; nothing is written to a place where the repository is not"),
            )
        written, spent = placed(self.files(app, volume), self._folder(app, volume), installation, copy)
        if not self._is_whole(written):
            self._write(written, content)
        with reported(self.root):
            for each in spent:
                each.path.unlink(missing_ok=True)

    def read(self, file: ProofFile) -> bytes:
        """Return the content of a copy; raises `NodeError` where it is not what was written."""
        sealed = read_from_disk(file.path, LARGEST_SEALED)
        try:
            content = base64.b64decode(self.sealer.unseal(sealed))
        except ValueError:
            content = b""
        require_content(content, file.copy, file.path)
        return content

    def files(self, app: str, volume: str) -> tuple[ProofFile, ...]:
        """Return the copies that are there, the oldest first."""
        folder = self._folder(app, volume)
        with reported(folder):
            names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        return proofs_named(folder, names)

    def volumes(self, app: str) -> tuple[str, ...]:
        """Return the volumes of which there are copies."""
        folder = self.root / PROOFS / named(app)
        with reported(folder):
            return tuple(sorted(path.name for path in folder.iterdir())) if folder.is_dir() else ()

    def _is_whole(self, file: ProofFile) -> bool:
        try:
            self.read(file)
        except NodeError:
            return False
        return True

    def _write(self, file: ProofFile, content: bytes) -> None:
        with reported(file.path):
            make_folder(file.path.parent, 0o700)
            write_atomically(file.path, self.sealer.seal(base64.b64encode(content).decode()))
            try:
                self.read(file)
            except NodeError:
                # Under this name it would count as a copy.
                file.path.unlink(missing_ok=True)
                raise

    def _folder(self, app: str, volume: str) -> Path:
        return self.root / PROOFS / named(app) / named(volume)
