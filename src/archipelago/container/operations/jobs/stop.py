"""Stops an app, and before it those that cannot do without it."""

import asyncio
from collections.abc import Collection
from typing import Self

from archipelago.container.desired.state import DesiredState
from archipelago.container.operations.changes.starts import stop_step
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.tracker import Tracker
from archipelago.container.proposals.consequences import require_agreed, stop_preview
from archipelago.storage.records.apps import AppRecord, Desired


class StopJob(Job):
    """Only the app itself is wanted no longer; the others come back with it. A cancel brings back what was wanted."""

    kind = "stop"

    desired: Desired | None = None
    """What its owner wanted of it before; None in the oldest rows, of which nothing comes back."""

    @classmethod
    def of(cls, record: AppRecord, desired: DesiredState, agreed: Collection[str] | None) -> Self:
        """Return the stop of an installed app. Pure; raises `NodeError` where more stops than was `agreed`."""
        require_agreed(record.app, agreed, stop_preview(desired, record.app).stops)
        return cls(app=record.app, apps=desired.needing(record.app), desired=record.desired)

    async def run(self, parts: JobParts, tracker: Tracker) -> None:
        """Have the app stopped, and wait until all of them are down."""
        affected = parts.reconciler.desired.needing(self.app)
        await tracker.steps(tuple(map(stop_step, affected)))

        async def one(name: str) -> None:
            await tracker.begin(stop_step(name))
            await parts.reconciler.changed.until(lambda: parts.reconciler.is_down(name))
            await tracker.finish(stop_step(name))

        message = f"{self.app} to be stopped"
        await parts.changes.desire((self.app,), Desired.STOPPED, message=message, app=self.app)
        await asyncio.gather(*map(one, affected))

    async def undo(self, parts: JobParts) -> None:
        """Have the app run again where it did."""
        if self.desired is not None:
            message = f"stop of {self.app} cancelled"
            await parts.changes.desire((self.app,), self.desired, message=message, app=self.app)
