"""Puts an app back to a backup, or installs it from one where it is not there."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Self

from archipelago.container.data.data_classes import (
    AppendProofVolume,
    app_volumes,
    has_channels,
    restorable_volumes,
)
from archipelago.container.data.kept import stamp
from archipelago.container.data.snapshots.order import SnapshotOrder
from archipelago.container.dependency_resolver.plan import Request
from archipelago.container.desired.installed_apps import Records
from archipelago.container.operations.changes.starts import start_step
from archipelago.container.operations.changes.turn import TurnResult
from archipelago.container.operations.image_fetcher import image_step
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.jobs.byte_progress import ByteProgress
from archipelago.container.operations.jobs.restore import RestoreJob, RestoreStage
from archipelago.container.operations.stream_return import bring_streams_back
from archipelago.container.operations.tracker import Tracker
from archipelago.container.operations.way_back import back_step
from archipelago.storage.records.apps import AppRecord, Desired
from archipelago.storage.records.snapshots import SnapshotKind
from archipelago.support.texts.text import msg

FETCH_STEP = msg("fetch the backup")


class BackupRestoreJob(RestoreJob):
    """The backup becomes a snapshot, and the app goes back to that; what was there becomes a snapshot too."""

    kind = "backup-restore"

    target: str
    backup: str
    """Id of restic's snapshot."""
    fresh: bool = False
    """Whether the app is not installed."""
    had_slot: bool = True
    """Whether there were data or ids of the app before."""

    @classmethod
    async def planned(cls, parts: JobParts, app: str, target: str, backup: str) -> Self:
        """Return the restore of a backup that may be restored. Raises `NodeError`."""
        now = datetime.now(UTC)
        fresh = app not in await parts.state.load_apps()
        return cls(
            app=app,
            back=() if fresh else (app,),
            snapshot=stamp(now + timedelta(milliseconds=1)),
            aside=stamp(now),
            aside_kind=SnapshotKind.BEFORE_RESTORE,
            target=target,
            backup=backup,
            fresh=fresh,
            had_slot=not fresh or await parts.state.has_slot(app),
        )

    @property
    def step_names(self) -> tuple[str, ...]:
        """What it does."""
        return (FETCH_STEP, image_step(self.app), back_step(self.app), start_step(self.app))

    async def undo(self, parts: JobParts) -> None:
        """Delete what was fetched."""
        await parts.way_back.store.delete(self.app, self.snapshot)
        if self.fresh and not self.had_slot and self.app not in await parts.state.load_apps():
            await parts.state.release_slot(self.app)

    async def _run(self, parts: JobParts, tracker: Tracker) -> None:
        if self.fresh:
            await self._install(parts, tracker)
        else:
            await super()._run(parts, tracker)

    async def _copy(self, parts: JobParts, tracker: Tracker) -> Self:
        record = (await parts.state.load_apps())[self.app]
        await self._fetch(parts, tracker, record)
        then = await parts.way_back.store.record(record, self.snapshot)
        async with parts.fetcher.fetched(tracker, {self.app: then.package}):
            await self._load(parts, tracker, then)
            await parts.pruner.keep(record.package)
            await tracker.commit()
            return await self._at(tracker, RestoreStage.BACK)

    async def _fetch(self, parts: JobParts, tracker: Tracker, record: AppRecord) -> None:
        work = parts.backups
        await tracker.begin(FETCH_STEP)
        try:
            async with work.turn(self.target):
                repository = await work.repository(await work.targets.get(self.target))
                await repository.open()
                async with ByteProgress(tracker, FETCH_STEP) as progress:
                    await work.reader.fetch(repository, self.backup, record, self.snapshot, progress.show)
        except Exception:
            await self.undo(parts)
            raise
        await tracker.finish(FETCH_STEP)

    async def _load(self, parts: JobParts, tracker: Tracker, then: AppRecord) -> None:
        """Make the volumes of which the backup has dumps, by the app's own servers."""

        async def say(words: str) -> None:
            await tracker.progress(back_step(self.app), None, words)

        try:
            await parts.backups.loads.load(then, parts.backups.layout.app(self.app).snapshot(self.snapshot), say)
        except Exception:
            await self.undo(parts)
            raise

    async def _install(self, parts: JobParts, tracker: Tracker) -> None:
        """Install the app with what is in the backup; after a crash it goes on."""
        records, store = await parts.state.load_apps(), parts.way_back.store
        if self.app in records:
            await store.delete(self.app, self.snapshot)
            await parts.starts.wait(tracker, (self.app,))
            return
        if self.stage is RestoreStage.COPY:
            await tracker.steps(self.step_names)
        slot, strictest = await parts.state.take_slot(self.app), await parts.data.strictest(self.app)
        stub = parts.backups.stub(self.app, slot, strictest)
        if self.stage is RestoreStage.COPY:
            await self._fetch(parts, tracker, stub)
        then = await store.record(stub, self.snapshot)
        async with parts.fetcher.fetched(tracker, {self.app: then.package}):
            if self.stage is RestoreStage.COPY:
                await self._load(parts, tracker, then)
            await tracker.commit()
            await self._at(tracker, RestoreStage.BACK)
            await tracker.begin(back_step(self.app))
            await self._put(parts, then)
            await tracker.finish(back_step(self.app))
        await store.delete(self.app, self.snapshot)
        await parts.starts.wait(tracker, (self.app,))

    async def _put(self, parts: JobParts, then: AppRecord) -> None:
        store = parts.way_back.store
        await parts.backups.make_volumes_folder(self.app)
        aside = SnapshotOrder(self.aside, SnapshotKind.BEFORE_RESTORE)
        back = await store.bring_back(then, self.snapshot, aside, restorable_volumes(then))
        proofs = [each for each in app_volumes(then) if isinstance(each, AppendProofVolume)]
        await parts.backups.bring_where_missing(self.app, self.snapshot, proofs)
        if any(each.declared.stream is not None for each in proofs):
            await bring_streams_back(parts.backups, self.app, self.target)
        await parts.secrets.read_again(self.app)
        # Its channels are not in the backup: whether it may run without them is for its owner to say.
        back = replace(back, desired=Desired.STOPPED if has_channels(then) else Desired.RUNNING)

        async def decide(found: Records) -> TurnResult:
            after = {**found, self.app: back}
            plan = await parts.composer.plan(after, Request())
            return TurnResult({app: replace(each, choices=plan.choices(app)) for app, each in after.items()}, plan)

        await parts.changes.make(decide, message=f"{self.app} installed from a backup", app=self.app)
