"""Has the bridges between containers announce a new hardware address.

A Linux bridge takes the lowest hardware address of its ports, and so a new one when a container comes or goes. Podman
gives a bridge a fixed address since netavark 1.9 only. Without an announcement the containers that stay send to the old
address until their kernel asks again: for up to half a minute they find no name and reach no network outside.
"""

import asyncio
from pathlib import Path

import structlog

from archipelago.container.namespace.client import Namespace
from archipelago.errors import NodeError


class Bridges:
    """Sets `arp_notify` in the network namespace that Podman's bridges are in.

    Podman makes that namespace with the first container and deletes it with the last. Its name server (aardvark-dns)
    lives as long and in the same place, wherever this version of Podman keeps the namespace's file.
    """

    def __init__(self, namespace: Namespace, run_root: Path) -> None:
        self._namespace = namespace
        self._pid_file = run_root / "networks" / "aardvark-dns" / "aardvark.pid"
        self._seen: tuple[str, int] | None = None

    async def announce_changes(self) -> None:
        """Call it after a container has its networks; a namespace that has the setting is not asked again."""
        seen = await asyncio.to_thread(self._look)
        if seen is None or seen == self._seen:
            return
        self._seen = seen
        try:
            await self._namespace.announce_addresses(int(seen[0]))
        except (NodeError, ValueError) as error:
            structlog.get_logger("bridges").warning("a new address of a bridge is not announced", why=str(error))

    def _look(self) -> tuple[str, int] | None:
        try:
            return self._pid_file.read_text().strip(), self._pid_file.stat().st_mtime_ns
        except OSError:
            return None  # no container has a network yet
