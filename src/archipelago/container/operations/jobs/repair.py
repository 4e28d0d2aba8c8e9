"""Carries out a repair that an app declares; the app is stopped for it, and started again."""

from typing import Self

from archipelago.container.operations.changes.starts import start_step
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.tracker import Tracker
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.operations import OperationState
from archipelago.support.texts.text import msg


class RepairJob(Job):
    """It cannot be cancelled."""

    kind = "repair"

    repair: str
    """Name of the repair in the app's manifest."""

    @classmethod
    async def requested(cls, parts: JobParts, app: str, repair: str) -> Self:
        """Return the repair of an installed app. Raises `NodeError` where it has none of that name, or must not run."""
        if (obstacle := parts.reconciler.desired.obstacle(app)) is not None:
            raise NodeError(
                ErrorCode.NOT_RUNNING,
                msg("{app} is not to run, and its repair ends with a start: {obstacle}", app=app, obstacle=obstacle),
                hint=msg("start it with 'archipelago start {app}', then repair it", app=app),
            )
        await parts.repairs.order(app, repair)
        return cls(app=app, repair=repair)

    async def run(self, parts: JobParts, tracker: Tracker) -> None:
        """Carry it out, and wait until the app is ready."""
        step, start = msg("repair {app}", app=self.app), start_step(self.app)
        carried_out = any(each.name == step and each.state is OperationState.DONE for each in tracker.record.steps)
        if not carried_out:  # a crash may have come after it, and what it did need not be done twice
            await tracker.steps((step, start))
            await tracker.commit()
            order = await parts.repairs.order(self.app, self.repair)
            await tracker.begin(step, order.label)
            await parts.reconciler.repair(self.app, order)
            await tracker.finish(step)
        await parts.starts.wait(tracker, (self.app,))
