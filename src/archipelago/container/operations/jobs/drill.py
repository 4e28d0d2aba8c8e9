"""Proves that a backup of an app can be restored, without touching the app.

What is restored is checked, dumps are loaded by their servers, and then the app comes up in a scratch copy without
network, and has to pass its health check. Where an app cannot do that without its network or its channels, the proof
says so: files and databases are proved all the same.
"""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

from archipelago.api.backups import ProofView
from archipelago.backups.drill import Restored
from archipelago.backups.targets import TargetHistory
from archipelago.container.data.data_classes import NeverRestoreVolume, app_volumes
from archipelago.container.desired.installed_apps import installed
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.tracker import Tracker
from archipelago.container.operations.trial.scratch import TrialOrder
from archipelago.container.operations.trial.verdict import TrialOutcome
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import SnapshotFolder
from archipelago.storage.records.apps import AppRecord
from archipelago.support.texts.text import msg

DRILL_STEP = msg("restore it for a trial")


@dataclass(frozen=True, slots=True)
class _Found:
    """What a drill found out, as far as it came."""

    tried: bool = True
    files: int = 0
    databases: int = 0
    started: bool = False
    not_started: str = ""
    problem: str = ""


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
        work, started = parts.backups, time.monotonic()
        await tracker.steps((DRILL_STEP,))
        await tracker.begin(DRILL_STEP)
        async with work.drill.scratch(self.app, self.backup) as place:
            found = await self._find_out(parts, tracker, place)
        proof = ProofView(
            at=datetime.now(UTC),
            passed=found.tried and not found.problem,
            tried=found.tried,
            seconds=round(time.monotonic() - started, 1),
            files=found.files,
            databases=found.databases,
            started=found.started,
            not_started=found.not_started,
            problem=found.problem,
        )
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
        await tracker.finish(DRILL_STEP, _words(proof))

    async def _find_out(self, parts: JobParts, tracker: Tracker, place: SnapshotFolder) -> _Found:
        work = parts.backups
        now = installed(await parts.state.load_apps(), self.app)
        tracker.unlock()  # it may take hours, and nothing of the app is used
        async with work.turn(self.target):
            repository = await work.repository(await work.targets.get(self.target))
            await repository.open()
            try:
                if not await work.drill.has_room(repository, self.backup, place):
                    return _Found(tried=False, problem=msg("there is too little room on this disk to try it"))
                restored = await work.drill.restore(repository, self.backup, place, now)
            except NodeError as error:
                await self._require_same(parts, now)
                return _Found(problem=error.message)
        while not tracker.lock(self.touches):
            await tracker.until_free(self.touches)
        await self._require_same(parts, now)
        return await self._start(parts, tracker, place, restored, now)

    async def _require_same(self, parts: JobParts, before: AppRecord) -> None:
        """Raise `NodeError` where the app was removed meanwhile, and what was restored with it."""
        now = installed(await parts.state.load_apps(), self.app)
        if (now.slot, now.installed_at) != (before.slot, before.installed_at):
            raise NodeError(ErrorCode.BUSY, msg("{app} was installed again meanwhile", app=self.app))

    async def _start(
        self, parts: JobParts, tracker: Tracker, place: SnapshotFolder, restored: Restored, now: AppRecord
    ) -> _Found:
        """Load the dumps, and bring the app up."""
        record, found = restored.record, _Found(files=restored.files, databases=restored.databases)

        async def say(words: str) -> None:
            await tracker.progress(DRILL_STEP, None, words)

        def not_started(why: str) -> _Found:
            # Of a dump that no server has loaded, nobody knows whether it can be.
            waits = found.databases < restored.databases + restored.dumps
            return replace(found, tried=False, problem=why) if waits else replace(found, not_started=why)

        async with parts.fetcher.images.held():
            if why := await _obstacle(parts, record, now):
                return not_started(why)
            try:
                loaded = await parts.backups.loads.load(record, place, say)
                found = replace(found, databases=found.databases + loaded)
                if why := _never_started(record, now):
                    return not_started(why)
                verdict = await parts.trials.run(TrialOrder(record, place, consume=True), say)
            except NodeError as error:
                if error.code is ErrorCode.NOT_HEALTHY:
                    return replace(found, problem=error.message)
                return not_started(error.message)
        match verdict.outcome:
            case TrialOutcome.PASSED:
                return replace(found, started=True)
            case TrialOutcome.UNDECIDED:
                return not_started(verdict.reason)
            case TrialOutcome.FAILED:
                return replace(found, problem=msg("it does not come up: {why}", why=verdict.reason))


async def _obstacle(parts: JobParts, then: AppRecord, now: AppRecord) -> str:
    """Return why nothing of an app can be started here, in words for the owner."""
    if problem := then.package.problem or now.package.problem:
        return problem
    for container in then.package.manifest.containers:
        if await parts.fetcher.images.image_id(then.package, container) is None:
            return msg("the image of version {version} is not here any more", version=then.package.manifest.version)
    return ""


def _never_started(*records: AppRecord) -> str:
    """Return why an app is not started from a copy, in words for the owner."""
    volumes = [each for record in records for each in app_volumes(record)]
    never = any(isinstance(each, NeverRestoreVolume) for each in volumes)
    return msg("the state of its channels is in no backup") if never else ""


def _words(proof: ProofView) -> str:
    if proof.started:
        return msg(
            "{files} files and {databases} databases restored and read; the app came up",
            files=proof.files,
            databases=proof.databases,
        )
    return msg(
        "{files} files and {databases} databases restored and read; the app was not started: {why}",
        files=proof.files,
        databases=proof.databases,
        why=proof.not_started,
    )


def _noted(history: TargetHistory, app: str, proof: ProofView) -> TargetHistory:
    proved = proof.at if proof.passed else history.of(app).proved
    return history.with_app(app, proof=proof, proved=proved)
