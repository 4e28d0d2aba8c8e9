"""Examines host and node, and the volumes of apps."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from archipelago.api.local_network import Outlook
from archipelago.api.system import Finding
from archipelago.container.data.keeper import VolumeKeeper
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.performance.doctor import Doctor, worst_first


@dataclass(frozen=True, slots=True)
class Examiner:
    """Asks the doctor and the keeper of volumes."""

    doctor: Doctor
    volumes: VolumeKeeper
    reconciler: Reconciler
    outlook: Callable[[], Awaitable[Outlook]]
    """Returns how it stands with the local network."""

    async def examine(self) -> tuple[Finding, ...]:
        """Return all findings, the worst first."""
        found = await asyncio.to_thread(self.doctor.examine, await self.outlook())
        workloads = (each.workload for each in self.reconciler.desired.apps.values())
        return worst_first((*found, *await self.volumes.findings(workloads)))
