"""Proves now that the newest backups of all apps can be restored, on all targets or on some."""

from collections.abc import Sequence
from typing import Self

from archipelago.container.operations.backup_finder import BackupFinder
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.jobs.drill import DrillJob
from archipelago.container.operations.node_job import reasons
from archipelago.container.operations.opening_job import Errand
from archipelago.container.operations.targets_job import TargetsJob, chosen_pairs
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.operations import StepRecord
from archipelago.support.texts.text import msg


class DrillAllJob(TargetsJob):
    """Each trial is an operation of its own, whose proof stays also if this one is cancelled."""

    kind = "backup-drill-all"

    @classmethod
    async def requested(cls, parts: JobParts, targets: Sequence[str] | None, apps: Sequence[str] | None) -> Self:
        """Plan it, for the backups that there are; None stands for all. Raises `NodeError` where there are none."""
        targets_of = parts.backups.targets
        pairs = tuple(
            [
                (app, target)
                for app, target in await chosen_pairs(parts, targets, apps)
                if (await targets_of.history(target)).of(app).newest is not None
            ]
        )
        if not pairs:
            raise NodeError(
                ErrorCode.DATA_MISSING,
                msg("there is no backup to try out"),
                hint=msg("make one: 'archipelago backup now'"),
            )
        return cls(pairs=pairs, apps=tuple(dict.fromkeys(app for app, _ in pairs)))

    def step(self, app: str, target: str) -> str:
        """Return the name of the step in which the backup of an app is tried out."""
        return msg("try out the backup of {app} on {target}", app=app, target=target)

    def errand(self, parts: JobParts, app: str, target: str) -> Errand:
        """Return the trial of the newest backup of an app."""
        newest = ""

        async def find() -> None:
            nonlocal newest
            newest = (await BackupFinder(parts).find(target, app, None)).id

        async def plan() -> Job:
            return await DrillJob.requested(parts, app, target, newest)

        return Errand(self.step(app, target), app, plan, find)

    def incomplete(self, failures: Sequence[StepRecord]) -> NodeError:
        """Say which backups were not proved."""
        return NodeError(
            ErrorCode.INCOMPLETE,
            msg(
                "{count} of {all} backups were not proved restorable: {reasons}",
                count=len(failures),
                all=len(self.pairs),
                reasons=reasons(failures),
            ),
            hint=msg("make another one now: 'archipelago backup now'"),
            data=self.failed_pairs(failures),
        )
