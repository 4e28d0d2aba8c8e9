"""Opens endpoints of apps to the local network, and closes them."""

from dataclasses import dataclass

from archipelago.api.apps import EndpointStatus
from archipelago.container.manifest.site_names import Doors, require_name
from archipelago.container.operations.changes.turn import Changes
from archipelago.container.reports.apps import Reporter
from archipelago.network.local_access import LocalAccess


@dataclass(frozen=True, slots=True)
class EndpointSwitch:
    """Keeps the owner's decision, and has the node listen as it says."""

    changes: Changes
    access: LocalAccess
    reporter: Reporter
    where: Doors

    async def switch(self, app: str, endpoint: str, *, opened: bool) -> EndpointStatus:
        """Open an endpoint, or close it; once this returns, it is so. Raises `NodeError`."""
        if opened:
            found = await self.reporter.installed(app)
            require_name(app, found.record.package.manifest.endpoints, endpoint, self.where)
        await self.changes.set_open(app, endpoint, opened=opened)
        await self.access.apply_routes()
        return await self.reporter.endpoint(app, endpoint)
