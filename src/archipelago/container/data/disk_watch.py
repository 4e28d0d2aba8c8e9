"""Looks after the disks of running apps: what answers a probe may have lost the disk that it writes to."""

import asyncio
from collections.abc import Callable, Mapping

from archipelago.api.health import WORKING, Health, HealthState
from archipelago.container.data.keeper import VolumeKeeper
from archipelago.container.workload.workload import Workload
from archipelago.errors import NodeError

_EVERY = 5.0
"""Seconds between two looks."""


class DiskWatch:
    """Remembers what is wrong with the volumes of each app that runs."""

    def __init__(self, volumes: VolumeKeeper, changed: Callable[[str], None]) -> None:
        """`changed` is called with each app whose trouble has changed or is over."""
        self._volumes = volumes
        self._changed = changed
        self._wrong: dict[str, str] = {}

    async def run(self, running: Callable[[], Mapping[str, Workload]]) -> None:
        """Look, for ever."""
        while True:
            await asyncio.sleep(_EVERY)
            found: dict[str, str] = {}
            for app, workload in running().items():
                try:
                    if wrong := await self._volumes.disk_problem(workload):
                        found[app] = wrong
                except NodeError as error:
                    found[app] = str(error)
            before, self._wrong = self._wrong, found
            for app in before.keys() | found.keys():
                if before.get(app) != found.get(app):
                    self._changed(app)

    def judge(self, app: str, health: Health) -> Health:
        """Return the health of a container whose probe found `health`."""
        wrong = self._wrong.get(app)
        if not wrong or health.state not in WORKING:
            return health
        # Not restarted: that would end what may still serve, and could not start again.
        return health.model_copy(update={"state": HealthState.UNHEALTHY, "reason": wrong, "needs_owner": True})
