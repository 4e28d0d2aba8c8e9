"""Parts of a node that are made when they are first asked for: an idle node does without what they import."""

from functools import cached_property
from typing import TYPE_CHECKING

from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.operations import Operations
from archipelago.container.operations.runner import JobRunner
from archipelago.container.operations.target_notes import TargetNotes

if TYPE_CHECKING:
    from archipelago.container.operations.backups import Backups
    from archipelago.container.operations.orchestrator import Orchestrator
    from archipelago.container.operations.snapshots import Snapshots


class LateParts:
    """What opens jobs; each imports the jobs that it opens."""

    def __init__(self, parts: JobParts, runner: JobRunner, operations: Operations, notes: TargetNotes) -> None:
        self._parts = parts
        self._runner = runner
        self._operations = operations
        self._notes = notes

    @cached_property
    def orchestrator(self) -> "Orchestrator":
        """What changes apps."""
        from archipelago.container.operations.orchestrator import Orchestrator  # with its jobs

        return Orchestrator(self._parts, self._runner)

    @cached_property
    def snapshots(self) -> "Snapshots":
        """What the owner does with snapshots."""
        from archipelago.container.operations.snapshots import Snapshots  # with its jobs

        return Snapshots(self._parts, self._runner, self._operations)

    @cached_property
    def backups(self) -> "Backups":
        """What the owner does with backups."""
        from archipelago.container.operations.backups import Backups  # with its jobs

        return Backups(self._parts, self._runner, self._notes)
