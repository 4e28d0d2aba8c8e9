"""Waits until apps have started, with a step of the operation for each."""

import asyncio
from collections.abc import Collection

from archipelago.container.operations.readiness.waiting import Readiness
from archipelago.container.operations.readiness.warm_up import past_warm_up
from archipelago.container.operations.repairs import Repairs
from archipelago.container.operations.tracker import Tracker
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.errors import NodeError
from archipelago.support.first_error import FirstError
from archipelago.support.texts.text import msg


class Starts:
    """Waits for what the reconciler starts."""

    def __init__(self, reconciler: Reconciler, readiness: Readiness, repairs: Repairs) -> None:
        self._reconciler = reconciler
        self._readiness = readiness
        self._repairs = repairs

    async def wait(self, tracker: Tracker, apps: Collection[str]) -> None:
        """Return once all of these apps are ready that are to run. Raises `NodeError`, with a repair that may help."""
        await self._reconciler.settled(apps)

        async def one(app: str) -> None:
            await tracker.begin(start_step(app))

            async def report(detail: str) -> None:
                await tracker.progress(start_step(app), None, detail)

            try:
                detail = await past_warm_up(self._reconciler, app, lambda: self._readiness.wait(app, report))
            except NodeError as error:
                raise self._repairs.suggested(error) from error
            await tracker.finish(start_step(app), detail)

        async with FirstError(), asyncio.TaskGroup() as group:
            for app in apps:
                if self._reconciler.desired.wanted(app):
                    group.create_task(one(app))
                else:
                    await tracker.finish(start_step(app), self._reconciler.desired.obstacle(app) or "")


def start_step(app: str) -> str:
    """Return the name of the step in which an app starts."""
    return msg("start {app}", app=app)


def stop_step(app: str) -> str:
    """Return the name of the step in which an app stops."""
    return msg("stop {app}", app=app)
