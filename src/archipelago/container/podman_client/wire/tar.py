"""Files on their way to Podman, read without blocking."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

_PIECE = 1024 * 1024


async def read_pieces(path: Path, zeros: int = 0) -> AsyncIterator[bytes]:
    """Yield a file's bytes, read in another thread, and so many zeros."""
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece
    finally:
        await asyncio.to_thread(file.close)
    if zeros:
        yield bytes(zeros)
