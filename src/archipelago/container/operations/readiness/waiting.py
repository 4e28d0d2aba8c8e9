"""Waits until an app does its work, or says why it will not."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from archipelago.container.health_monitor.monitor import STEADY
from archipelago.container.operations.readiness.situation import Situation
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.errors import NodeError
from archipelago.support.texts.text import msg


class Readiness:
    """Waits for what the reconciler sees of the apps."""

    def __init__(self, reconciler: Reconciler) -> None:
        self._reconciler = reconciler

    async def wait(self, app: str, report: Callable[[str], Awaitable[None]]) -> str:
        """Return a remark once the app is ready; raises `NodeError` NOT_HEALTHY with its last log lines."""
        known = ""

        def news() -> bool:
            now = self.now
            return now.remark(app) != known or now.is_ready(app) or now.should_give_up(app)

        try:
            async with asyncio.timeout(self.now.timeout(app)):
                while True:
                    await self._reconciler.changed.until(news)
                    if self.now.is_ready(app) and await self._stays_ready(app):
                        return self.now.remark(app)
                    if self.now.should_give_up(app):
                        raise self.now.error(app, msg("does not come up"))
                    known = self.now.remark(app)
                    await report(known)
        except TimeoutError:
            raise self.now.error(app, msg("is not ready in time")) from None

    async def state_of(self, apps: Iterable[str]) -> str:
        """Return what is wrong with the first of these apps that does not come up; nothing where all do."""
        for app in apps:
            try:
                await self.wait(app, _ignore)
            except NodeError as error:
                return error.message
        return ""

    @property
    def now(self) -> Situation:
        """What is seen at this moment."""
        return Situation(self._reconciler.desired, self._reconciler.health)

    async def _stays_ready(self, app: str) -> bool:
        """Return whether an app that is ready stays ready; one that has crashed since the request must prove it."""
        restarts = self._reconciler.health(app).restarts
        if not restarts:
            return True
        try:
            async with asyncio.timeout(STEADY):
                await self._reconciler.changed.until(
                    lambda: not self.now.is_ready(app) or self._reconciler.health(app).restarts != restarts
                )
        except TimeoutError:
            return True
        return False


async def _ignore(_: str) -> None:
    pass
