"""Replaces secrets of an app, or sets one to a value of the owner's."""

from typing import Self

from archipelago.container.desired.installed_apps import installed
from archipelago.container.desired.state import DesiredState
from archipelago.container.operations.changes.starts import start_step
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.tracker import Tracker


class SecretsJob(Job):
    """It cannot be cancelled: what was replaced cannot be brought back."""

    kind = "secrets"

    names: tuple[str, ...]
    given: bool
    """Whether the owner gives the value; else the node makes new ones."""
    ticket: str = ""
    """By which the owner's value is found in memory (`AppSecrets`): it is not on disk, and gone after a crash."""

    @classmethod
    def of(cls, app: str, names: tuple[str, ...], desired: DesiredState, *, ticket: str | None = None) -> Self:
        """Return the change of secrets of an installed app; who uses it, or is used, may restart. Pure."""
        neighbours = tuple(sorted(desired.neighbours(app)))
        return cls(app=app, apps=neighbours, names=names, given=ticket is not None, ticket=ticket or "")

    async def run(self, parts: JobParts, tracker: Tracker) -> None:
        """Change them, and wait until all that they touch is ready."""
        hashes = parts.reconciler.desired.hashes
        await tracker.commit()
        async with parts.changes.turn() as records:
            try:
                ticket = self.ticket if self.given else None
                await parts.secrets.change(installed(records, self.app), self.names, ticket=ticket)
            finally:
                # Also where a full disk let only some of them be written.
                await parts.changes.compile_again(records)
        touched = parts.reconciler.desired.touched_since(hashes)
        await tracker.steps(tuple(map(start_step, touched)))
        await parts.starts.wait(tracker, touched)
