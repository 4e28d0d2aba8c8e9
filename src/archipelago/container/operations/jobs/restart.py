"""Restarts the containers of an app, in order."""

from typing import Self

from archipelago.container.desired.state import DesiredState
from archipelago.container.operations.changes.starts import start_step, stop_step
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.tracker import Tracker
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg


class RestartJob(Job):
    """It cannot be cancelled."""

    kind = "restart"

    @classmethod
    def of(cls, app: str, desired: DesiredState) -> Self:
        """Return the restart of an installed app. Pure; raises `NodeError` where the app is not to run."""
        if (obstacle := desired.obstacle(app)) is not None:
            raise NodeError(
                ErrorCode.NOT_RUNNING,
                msg("{app} does not run: {obstacle}", app=app, obstacle=obstacle),
                hint=msg("start it with 'archipelago start {app}'", app=app),
            )
        return cls(app=app)

    async def run(self, parts: JobParts, tracker: Tracker) -> None:
        """Restart it, and wait until it is ready."""
        await tracker.steps((stop_step(self.app), start_step(self.app)))
        await tracker.commit()
        await tracker.begin(stop_step(self.app))
        await parts.reconciler.restart(self.app)
        await tracker.finish(stop_step(self.app))
        await parts.starts.wait(tracker, (self.app,))
