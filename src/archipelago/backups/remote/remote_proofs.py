"""Copies of streamed files at a target that is no folder: what is written there, and who writes it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from archipelago.backups.folder_proofs import FolderProofs
from archipelago.container.data.stream_copies import StreamCopy

CONFIG = "config"
"""File of a repository, like no other, which says which one it is."""
Listing = Mapping[str, tuple[str, ...]]
"""Volume -> names of the files in its folder."""


@dataclass(frozen=True, slots=True)
class NewCopy:
    """A copy of a volume's streamed file that is to be written."""

    volume: str
    content: bytes = field(repr=False)
    copy: StreamCopy


class RemoteProofs(Protocol):
    """Writes and reads the copies at one target. Raises `NodeError`."""

    async def list(self, app: str, volumes: Iterable[str]) -> Listing:
        """Return the names of what is there."""
        ...

    async def write(
        self, app: str, installation: str, copies: Sequence[NewCopy], there: Listing
    ) -> tuple[bytes, Listing]:
        """Have copies that this installation of an app wrote be there, whole, and delete spent ones that it wrote.

        `there` is what `list`, or the last call, returned. Returns the file `config` of the repository that is there,
        for the caller to compare (in another one they are files that nobody can read), and what is there now.
        """
        ...

    async def fetch(self, app: str, place: Path) -> FolderProofs:
        """Bring all copies of an app into a folder of this machine, and return what reads them there."""
        ...
