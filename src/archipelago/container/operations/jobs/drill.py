"""Proves that a backup of an app can be restored, without touching the app."""

from typing import Self

from archipelago.api.backups import ProofView
from archipelago.backups.targets import TargetHistory
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.operations import Tracker
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

DRILL_STEP = msg("restore it for a trial")


class DrillJob(Job):
    """Nothing but the record of the proof is left of it, whatever it finds."""

    kind = "backup-drill"

    target: str
    backup: str
    """Id of restic's snapshot."""

    @classmethod
    async def requested(cls, parts: JobParts, app: str, target: str, backup: str) -> Self:
        """Plan a drill. Raises `NodeError` where there is no such target."""
        await parts.backups.targets.get(target)
        return cls(app=app, target=target, backup=backup)

    async def run(self, parts: JobParts, tracker: Tracker) -> None:
        """Restore it, and note what came of it. Raises `NodeError` where it cannot be restored."""
        work = parts.backups
        await tracker.steps((DRILL_STEP,))
        await tracker.begin(DRILL_STEP)
        async with work.turn(self.target):
            repository = await work.repository(await work.targets.get(self.target))
            await repository.open()
            proof = await work.drill.run(repository, self.app, self.backup)
        await work.targets.note(self.target, lambda history: _noted(history, self.app, proof))
        if not proof.tried:
            await tracker.finish(DRILL_STEP, proof.problem)
            return
        if not proof.passed:
            raise NodeError(
                ErrorCode.NOT_HEALTHY,
                msg("a backup of {app} cannot be restored: {problem}", app=self.app, problem=proof.problem),
                hint=msg("make another one now: 'archipelago backup now {app}'", app=self.app),
            )
        await tracker.finish(
            DRILL_STEP,
            msg(
                "{files} files and {databases} databases restored and read",
                files=proof.files,
                databases=proof.databases,
            ),
        )


def _noted(history: TargetHistory, app: str, proof: ProofView) -> TargetHistory:
    proved = proof.at if proof.passed else history.of(app).proved
    return history.with_app(app, proof=proof, proved=proved)
