"""What the node remembers of volumes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """Which directory a volume is."""

    inode: int
    filesystem: int | None
    """Identity of the file system (`f_fsid` of statvfs(3)) where the volume is the root of one; None elsewhere."""
