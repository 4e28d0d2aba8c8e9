"""Says what is in the images of installed apps."""

from dataclasses import dataclass
from typing import Any

from archipelago.api.security import PackageChange
from archipelago.container.images.inventory import ImageInventory
from archipelago.container.reports.containers import Installed, chosen


@dataclass(frozen=True, slots=True)
class SbomReporter:
    """Finds the container that is meant, the first one where none is named. Raises `NodeError`."""

    installed: Installed
    inventory: ImageInventory

    async def document(self, app: str, container: str | None) -> dict[str, Any]:
        """Return the bill of materials of a container's image (CycloneDX 1.6)."""
        return await self.inventory.document(app, await self._chosen(app, container))

    async def changes(self, app: str, container: str | None) -> tuple[PackageChange, ...]:
        """Return what the last update changed in a container's image."""
        return await self.inventory.changes(app, await self._chosen(app, container))

    async def _chosen(self, app: str, container: str | None) -> str:
        return chosen(await self.installed(app), container)[0].container
