"""What a killed daemon leaves of its builds, and by what it is known."""

import asyncio
import contextlib
import os
import re
import secrets
import signal
from pathlib import Path
from typing import Final

from archipelago.container.images.build.tool_process import environment, removal, run_tool
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.labels import BUILD
from archipelago.support.process import find_processes, process_exit

BUILD_VARIABLE: Final = "ARCHIPELAGO_BUILD"
"""In the environment of each program of the host that works for a build: the folder of the build."""
_NAME = re.compile(r"archipelago-build-[0-9a-f]{16}")


def new_container_name() -> str:
    """Return a name for the container of a build."""
    return f"archipelago-build-{secrets.token_hex(8)}"


def build_labels(work: Path) -> dict[str, str]:
    """Return the labels of the containers of builds that have their folders in `work`."""
    return {BUILD: str(work)}


async def remove_leftovers(client: PodmanClient, work: Path) -> None:
    """End the builds that have their folders in `work`, and remove what is in it. Raises `PodmanError`."""
    for left in await client.containers.list(labels=build_labels(work)):
        # An app's container has the labels of its image too, whatever they say, and another name.
        if _NAME.fullmatch(left.name):
            await client.containers.remove(left.name, force=True)
    for pid in await asyncio.to_thread(_left_running, work):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(os.getpgid(pid), signal.SIGKILL)
        await process_exit(pid)
    if await asyncio.to_thread(work.exists):
        await run_tool(removal(work), environment())


def _left_running(work: Path) -> list[int]:
    marks = [f"\0{name}={work}/".encode() for name in (BUILD_VARIABLE, "TMPDIR")]

    def is_left(process: Path) -> bool:
        environ = b"\0" + (process / "environ").read_bytes()
        return any(mark in environ for mark in marks)

    return find_processes(is_left)
