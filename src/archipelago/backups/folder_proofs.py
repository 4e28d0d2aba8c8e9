"""Copies of streamed files in the folder of a target, sealed under the node's key, beside the repository there.

restic takes seconds for the smallest snapshot on a small board; these take milliseconds.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from archipelago.container.data.stream_copies import StreamCopy, copy_named, spent_copies
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secrets.manager import Sealer
from archipelago.storage.layout import named
from archipelago.support.private_files import make_folder, reported, write_atomically
from archipelago.support.texts.text import msg

PROOFS = "proofs"
"""In the folder of a target. restic ignores what it does not know in its repository."""
_SEALED = ".age"


@dataclass(frozen=True, slots=True)
class FolderProofs:
    """Writes and reads the copies in one folder. Blocking; raises `NodeError`."""

    root: Path
    sealer: Sealer

    def write(self, app: str, volume: str, copy: StreamCopy, content: bytes) -> None:
        """Write a copy, read it back, and delete those that are spent; one that is there is read back alone."""
        folder = self._folder(app, volume)
        path = folder / f"{copy.name}{_SEALED}"
        with reported(path):
            if not (self.root / "config").is_file():
                raise NodeError(
                    ErrorCode.DATA_MISSING,
                    msg("there is no repository at {where} any more", where=self.root),
                    hint=msg("connect and mount the disk; nothing is written to a place where the repository is not"),
                )
            if not path.exists():
                make_folder(folder, 0o700)
                write_atomically(path, self.sealer.seal(base64.b64encode(content).decode()))
            self.read(app, volume, copy)
            for each in spent_copies(tuple(self.copies(app, volume))):
                (folder / f"{each.name}{_SEALED}").unlink(missing_ok=True)

    def read(self, app: str, volume: str, copy: StreamCopy) -> bytes:
        """Return a copy; raises `NodeError` where it is not what was written."""
        path = self._folder(app, volume) / f"{copy.name}{_SEALED}"
        with reported(path):
            content = base64.b64decode(self.sealer.unseal(path.read_bytes()))
        if hashlib.sha256(content).hexdigest() != copy.digest:
            raise NodeError(
                ErrorCode.INTERNAL,
                msg("{path} is not what was written", path=path),
                hint=msg("look at the disk: 'archipelago doctor'"),
            )
        return content

    def copies(self, app: str, volume: str) -> Iterator[StreamCopy]:
        """Yield the copies that are there, the oldest first."""
        folder = self._folder(app, volume)
        for name in sorted(path.name for path in folder.iterdir()) if folder.is_dir() else ():
            if (found := copy_named(name.removesuffix(_SEALED))) is not None:
                yield found

    def volumes(self, app: str) -> tuple[str, ...]:
        """Return the volumes of which there are copies."""
        folder = self.root / PROOFS / named(app)
        return tuple(sorted(path.name for path in folder.iterdir())) if folder.is_dir() else ()

    def _folder(self, app: str, volume: str) -> Path:
        return self.root / PROOFS / named(app) / named(volume)
