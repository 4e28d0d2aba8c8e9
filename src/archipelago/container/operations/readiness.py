"""Waits until an app does its work, or says why it will not."""

import asyncio
from collections.abc import Awaitable, Callable

from archipelago.container.health_monitor.monitor import STEADY
from archipelago.container.operations.verdict import Sight
from archipelago.container.reconciler.reconciler import Reconciler


class Readiness:
    """Waits for what the reconciler sees of the apps."""

    def __init__(self, reconciler: Reconciler) -> None:
        self._reconciler = reconciler

    async def wait(self, app: str, told: Callable[[str], Awaitable[None]]) -> str:
        """Return a remark once the app is ready; raises `NodeError` NOT_HEALTHY with its last log lines."""
        known = ""

        def news() -> bool:
            sight = self.sight
            return sight.remark(app) != known or sight.is_ready(app) or sight.is_hopeless(app)

        try:
            async with asyncio.timeout(self.sight.patience(app)):
                while True:
                    await self._reconciler.changed.until(news)
                    if self.sight.is_ready(app) and await self._stays_ready(app):
                        return self.sight.remark(app)
                    if self.sight.is_hopeless(app):
                        raise self.sight.error(app, "does not come up")
                    known = self.sight.remark(app)
                    await told(known)
        except TimeoutError:
            raise self.sight.error(app, "is not ready in time") from None

    @property
    def sight(self) -> Sight:
        """What is seen at this moment."""
        return Sight(self._reconciler.desired, self._reconciler.health)

    async def _stays_ready(self, app: str) -> bool:
        """Tell whether an app that is ready stays so; one that has crashed since it was asked for must prove it."""
        restarts = self._reconciler.health(app).restarts
        if not restarts:
            return True
        try:
            async with asyncio.timeout(STEADY):
                await self._reconciler.changed.until(
                    lambda: not self.sight.is_ready(app) or self._reconciler.health(app).restarts != restarts
                )
        except TimeoutError:
            return True
        return False
