"""Starts an app, and those that it cannot do without."""

from typing import Self

from archipelago.container.desired.installed_apps import Records
from archipelago.container.desired.state import DesiredState
from archipelago.container.operations.changes.starts import start_step
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.tracker import Tracker
from archipelago.storage.records.apps import Desired


class StartJob(Job):
    """A cancel stops again those that its owner had stopped before."""

    kind = "start"

    stopped: tuple[str, ...] = ()
    """Those of the apps that were stopped when it was asked for; the oldest rows do not say, and nothing comes back."""

    @classmethod
    def of(cls, app: str, desired: DesiredState, records: Records) -> Self:
        """Return the start of an installed app. Pure."""
        needed = tuple(name for name in desired.needed_by(app) if name in records)
        stopped = tuple(name for name in needed if records[name].desired is Desired.STOPPED)
        return cls(app=app, apps=needed, stopped=stopped)

    async def run(self, parts: JobParts, tracker: Tracker) -> None:
        """Have all of them run, and wait until they do."""
        needed = parts.reconciler.desired.needed_by(self.app)
        await tracker.steps(tuple(map(start_step, needed)))
        parts.reconciler.try_again(needed)
        # All of them: one may have been stopped since the request.
        message = f"{', '.join(needed)} to be started"
        await parts.changes.desire(needed, Desired.RUNNING, message=message, app=self.app)
        await parts.starts.wait(tracker, needed)

    async def undo(self, parts: JobParts) -> None:
        """Stop those that were stopped."""
        message = f"start of {self.app} cancelled"
        await parts.changes.desire(self.stopped, Desired.STOPPED, message=message, app=self.app)
