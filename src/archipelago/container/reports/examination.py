"""Examines host and node, and the volumes of apps."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from archipelago.api.local_network import Outlook
from archipelago.api.system import Finding
from archipelago.container.data.keeper import VolumeKeeper
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import PodmanError
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.performance.checks.podman import unused_volumes
from archipelago.performance.doctor import Doctor, not_checked, worst_first
from archipelago.support.texts.text import msg


@dataclass(frozen=True, slots=True)
class Examiner:
    """Asks the doctor, the keeper of volumes, and Podman."""

    doctor: Doctor
    podman: PodmanClient
    volumes: VolumeKeeper
    reconciler: Reconciler
    outlook: Callable[[], Awaitable[Outlook]]
    """Returns how it stands with the local network."""

    async def examine(self) -> tuple[Finding, ...]:
        """Return all findings, the worst first."""
        found = await asyncio.to_thread(self.doctor.examine, await self.outlook())
        workloads = (each.workload for each in self.reconciler.desired.apps.values())
        return worst_first((*found, *await self._unused_volumes(), *await self.volumes.findings(workloads)))

    async def _unused_volumes(self) -> tuple[Finding, ...]:
        try:
            return tuple(unused_volumes(await self.podman.volumes.list_unused()))
        except PodmanError as error:
            what, mend = msg("whether volumes are left"), msg("look whether Podman works")
            return (not_checked("unused-volumes", what, str(error), mend),)
