"""What a removal of an app would take with it."""

import asyncio
from dataclasses import dataclass

from archipelago.api.data import RemovalPreview
from archipelago.container.data.volumes import AppData
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.container.reports.containers import Installed
from archipelago.security.secrets.manager import SecretsManager


@dataclass(frozen=True, slots=True)
class RemovalReporter:
    """Looks at what would go, and changes nothing."""

    installed: Installed
    reconciler: Reconciler
    data: AppData
    secrets: SecretsManager

    async def preview(self, app: str) -> RemovalPreview:
        """Return what a removal of an installed app would take with it; counting its data takes a while.

        Raises `NodeError`.
        """
        found = await self.installed(app)
        return RemovalPreview(
            app=app,
            needed_by=self.reconciler.desired.mandatory_consumers(app),
            volumes=await self.data.volumes(found.record),
            secrets=len(await asyncio.to_thread(self.secrets.list, app)),
        )
