"""Reads the package databases in an image, where Podman can mount it."""

import asyncio
import base64
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from archipelago.container.images.build.tool_process import environment
from archipelago.container.images.errors import tool_failed
from archipelago.container.manifest.package import AppPackage
from archipelago.security import sbom
from archipelago.support.process import PODMAN_UMASK

_READER = Path(sbom.__file__).with_name("reader.py")
"""What runs where Podman can mount an image."""


async def package_databases(package: AppPackage, image: str) -> dict[str, bytes]:
    """Return the package databases in an image of an app, by path. Raises `NodeError`."""
    source = await asyncio.to_thread(_READER.read_text, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *("podman", "unshare", sys.executable, "-I", "-c", source, image),
        env=environment(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        umask=PODMAN_UMASK,
    )
    try:
        output, complaints = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.shield(process.wait())
        raise
    if process.returncode != 0:
        raise tool_failed(package, "podman image mount", process.returncode or 1, complaints.decode("utf-8", "replace"))

    def read() -> dict[str, bytes]:
        return {path: base64.b64decode(content) for path, content in json.loads(output).items()}

    return await asyncio.to_thread(read)
