"""Backs up all apps now, to all targets or to some."""

from collections.abc import Sequence
from functools import partial
from typing import Self

from archipelago.container.desired.installed_apps import installed
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.jobs.backup import BackupJob
from archipelago.container.operations.node_job import reasons
from archipelago.container.operations.opening_job import Errand
from archipelago.container.operations.targets_job import TargetsJob, chosen_pairs
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.operations import StepRecord
from archipelago.support.texts.text import msg


class BackupAllJob(TargetsJob):
    """Each backup is an operation of its own; a cancel keeps those that are written."""

    kind = "backup-all"
    notes_problem = True

    @classmethod
    async def requested(cls, parts: JobParts, targets: Sequence[str] | None, apps: Sequence[str] | None) -> Self:
        """Plan it; None stands for all. Raises `NodeError` where there is no such target or app, or none at all."""
        pairs = await chosen_pairs(parts, targets, apps)
        return cls(pairs=pairs, apps=tuple(dict.fromkeys(app for app, _ in pairs)))

    def step(self, app: str, target: str) -> str:
        """Return the name of the step in which an app is backed up."""
        return msg("back up {app} to {target}", app=app, target=target)

    def errand(self, parts: JobParts, app: str, target: str) -> Errand:
        """Return the backup of an app."""
        return Errand(self.step(app, target), app, partial(_planned, parts, app, target))

    def incomplete(self, failures: Sequence[StepRecord]) -> NodeError:
        """Say which backups are missing."""
        return NodeError(
            ErrorCode.INCOMPLETE,
            msg(
                "{count} of {all} backups were not written: {reasons}",
                count=len(failures),
                all=len(self.pairs),
                reasons=reasons(failures),
            ),
            hint=msg("older backups stay as they are; the node tries again each night"),
            data=self.failed_pairs(failures),
        )


async def _planned(parts: JobParts, app: str, target: str) -> Job:
    return await BackupJob.requested(parts, installed(await parts.state.load_apps(), app), target)
