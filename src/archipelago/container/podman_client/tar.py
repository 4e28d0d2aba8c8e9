"""Files on their way to Podman: read without blocking; the same directory packs into the same bytes."""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

_PIECE = 1024 * 1024


async def read_pieces(path: Path) -> AsyncIterator[bytes]:
    """Yield a file's bytes, read in another thread."""
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece
    finally:
        await asyncio.to_thread(file.close)


def pack(context: Path, tar: Path) -> None:
    """Write a directory's files into a tar file, in order of name, with no owner and no time of their own."""

    def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        member.mtime = 0
        return member

    with tarfile.open(tar, "w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(context.rglob("*")):
            archive.add(path, str(path.relative_to(context)), recursive=False, filter=anonymous)
