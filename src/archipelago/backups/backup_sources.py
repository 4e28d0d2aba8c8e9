"""What a backup is made of, as restic sees it. Plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HOST = "archipelago"
"""Name of the machine in each snapshot: the node may move to another one, and its backups go on."""


@dataclass(frozen=True, slots=True)
class BackupSources:
    """The folders of a backup, and how restic reads them."""

    root: str
    """Where it appears, which is the same each time: so restic knows what has changed."""
    app: str
    binds: Mapping[str, str]
    """Place -> directory."""
    excluded: Sequence[Sequence[str]] = ()
    """Paths, as names, that are left out."""
    copied: bool = False
    """Whether the files are copies, which have new numbers each time (inodes)."""
    host: str = HOST
    anew: bool = False
    """Whether all of it is read: for what is small, that is sooner done than to look what has changed."""
