"""Writes a backup of an app to a target.

The app is locked only while what must be of one moment is prepared. While restic writes, which may take hours, its
owner starts, stops and configures it as he likes. He may also update or remove it, or put it back: then what was
written is of no one version, so it is discarded again, and the backup fails.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from archipelago.api.backups import VolumeWay
from archipelago.backups.contents import Recipe
from archipelago.backups.repository import Repository
from archipelago.backups.restic.says import Written
from archipelago.backups.targets import TargetHistory
from archipelago.container.data.data_classes import RestorableVolume
from archipelago.container.data.kept import stamp
from archipelago.container.data.snapshots.order import SnapshotOrder
from archipelago.container.desired.installed_apps import installed
from archipelago.container.operations.backup_work import AppIdentity
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.jobs.byte_progress import ByteProgress
from archipelago.container.operations.tracker import Tracker
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.snapshots import SnapshotKind
from archipelago.support.texts.sizes import size_words
from archipelago.support.texts.text import joined, msg

REACH_STEP, COPY_STEP, WRITE_STEP = msg("reach the target"), msg("copy its databases"), msg("write the backup")


class BackupJob(Job):
    """The app runs on; only databases that cannot be copied meanwhile are copied while it is stopped.

    A cancel leaves nothing, and neither does a failure: what cannot be copied whole never becomes the newest backup.
    """

    kind = "backup"

    target: str
    snapshot: str
    """Name of the snapshot of what is copied while the app is stopped, and of what is prepared."""
    copying: bool = False
    """Whether the app is stopped for that."""

    @classmethod
    async def requested(cls, parts: JobParts, record: AppRecord, target: str) -> Self:
        """Plan a backup of an installed app. Raises `NodeError` where there is no such target, or its data is gone."""
        await parts.backups.targets.get(target)
        if record.package.problem:
            raise NodeError(
                ErrorCode.NOT_RUNNING,
                msg("{app} cannot be backed up: {why}", app=record.app, why=record.package.problem),
                hint=msg("update it: 'archipelago update {app}'", app=record.app),
            )
        await parts.backups.recipe(record)
        return cls(app=record.app, target=target, snapshot=stamp(datetime.now(UTC)))

    @property
    def suspended(self) -> frozenset[str]:
        """The app, while it is stopped for a copy."""
        return frozenset({self.app} if self.copying else ())

    async def completed(self, parts: JobParts) -> Self:
        """Let the app run that a crash left stopped for a copy."""
        if not self.copying:
            return self
        await self.undo(parts)
        return self.model_copy(update={"copying": False})

    async def run(self, parts: JobParts, tracker: Tracker) -> None:
        """Write the backup."""
        work = parts.backups
        await tracker.steps((REACH_STEP, COPY_STEP, WRITE_STEP))
        try:
            await tracker.store(self.arguments)
            written, at = await self._in_turn(parts, tracker)
        except NodeError as error:
            problem = error.message
            await work.targets.note(self.target, lambda history: history.model_copy(update={"problem": problem}))
            raise
        await tracker.finish(
            WRITE_STEP,
            msg("{size}, of which {new} are new", size=size_words(written.bytes), new=size_words(written.added)),
        )

        def done(history: TargetHistory) -> TargetHistory:
            return history.with_app(self.app, newest=at).model_copy(update={"problem": ""})

        await work.targets.note(self.target, done)
        for receive in work.written:
            receive(self.app)

    async def undo(self, parts: JobParts) -> None:
        """Delete the copy, and let the app run where this job has stopped it."""
        try:
            await parts.way_back.store.delete(self.app, self.snapshot)
        finally:
            if self.copying:
                parts.way_back.release((self.app,))

    async def _in_turn(self, parts: JobParts, tracker: Tracker) -> tuple[Written, datetime]:
        """Write it when it has its turn at the target, and nobody works on the app."""
        work = parts.backups
        await tracker.begin(REACH_STEP)
        while True:
            # Who waits for the one does not lock the other: others wait for them in the opposite order.
            tracker.unlock()
            if work.turn(self.target).locked():
                await tracker.progress(REACH_STEP, None, msg("waits for another backup"))
            async with work.turn(self.target):
                repository = await work.repository(await work.targets.get(self.target))
                await repository.open()
                if tracker.lock(self.touches):
                    await tracker.finish(REACH_STEP, "")
                    return await self._write(parts, tracker, repository)
            await tracker.progress(REACH_STEP, None, msg("waits for another operation on {app}", app=self.app))
            await tracker.until_free(self.touches)

    async def _write(self, parts: JobParts, tracker: Tracker, repository: Repository) -> tuple[Written, datetime]:
        work = parts.backups
        recipe = await work.recipe(installed(await parts.state.load_apps(), self.app))
        before = await work.identity(recipe.record)
        await tracker.begin(COPY_STEP)
        async with work.maker.staging(self.app, self.snapshot) as staging:
            recipe = await work.maker.dump(recipe, work.workload(self.app), staging)
            async with self._copies(parts, tracker, recipe) as copies:
                prepared = await work.maker.prepare(recipe, staging, copies)
                await tracker.finish(COPY_STEP, _copied_words(recipe))
                tracker.unlock()
                await tracker.begin(WRITE_STEP)
                async with ByteProgress(tracker, WRITE_STEP) as progress:
                    written = await work.maker.write(prepared, repository, progress.show)
                try:
                    await tracker.commit()
                    await self._require_unchanged(parts, recipe, before)
                except BaseException:  # a cancel too: what nobody has looked at may be of two versions
                    await asyncio.shield(repository.discard(written.id, self.app))
                    raise
        return written, recipe.at

    async def _require_unchanged(self, parts: JobParts, recipe: Recipe, before: AppIdentity) -> None:
        now = (await parts.state.load_apps()).get(self.app)
        same = now is not None and await parts.backups.identity(now) == before
        if not same or not await self._is_whole(parts, recipe):
            raise _changed(self.app)

    async def _is_whole(self, parts: JobParts, recipe: Recipe) -> bool:
        """Return whether the copies are still there."""
        about = parts.backups.layout.app(self.app).snapshot(self.snapshot).about
        return not recipe.of_way(VolumeWay.STOPPED) or await asyncio.to_thread(about.exists)

    @contextlib.asynccontextmanager
    async def _copies(self, parts: JobParts, tracker: Tracker, recipe: Recipe) -> AsyncIterator[Mapping[str, Path]]:
        """Yield copies of the volumes that must not be read while the app writes; they are deleted at the end."""
        stopped = recipe.of_way(VolumeWay.STOPPED)
        if not stopped:
            yield {}
            return
        store, app = parts.way_back.store, self.app
        await store.delete(app, self.snapshot)  # of before a crash
        wanted = [each.volume for each in stopped if isinstance(each.volume, RestorableVolume)]
        plan = await store.plan(app, wanted)
        if impossible := [each.name for each in wanted if each.name not in plan.methods]:
            raise NodeError(
                ErrorCode.INTERNAL,
                msg(
                    "{volumes} of {app} cannot be copied: it is a disk or contains file systems of its own",
                    volumes=joined(impossible, ", "),
                    app=app,
                ),
            )
        plan.require_room(app)
        await tracker.store(self.model_copy(update={"copying": True}).arguments)
        try:
            await store.lay_out(recipe.record, self.snapshot)
            try:
                await parts.way_back.suspend((app,))
                await store.take(recipe.record, SnapshotOrder(self.snapshot, SnapshotKind.BACKUP), plan)
            finally:
                parts.way_back.release((app,))
            await tracker.store(self.arguments)
            place = parts.backups.layout.app(app).snapshot(self.snapshot)
            yield {each.name: place.volume(each.name) for each in wanted}
        finally:
            await store.delete(app, self.snapshot)


def _copied_words(recipe: Recipe) -> str:
    """Return how the databases were copied, and why the app was stopped."""
    if not recipe.of_way(VolumeWay.STOPPED):
        return msg("while the app runs")
    if not recipe.stopped_because:
        return msg("the app was stopped for it")
    reasons = [f"{volume}: {why}" for volume, why in sorted(recipe.stopped_because.items())]
    return msg("the app was stopped for it ({reasons})", reasons=joined(reasons, "; "))


def _changed(app: str) -> NodeError:
    return NodeError(
        ErrorCode.BUSY,
        msg("{app} was updated, removed or put back while its backup was written", app=app),
        hint=msg("older backups stay as they are; make another one: 'archipelago backup now {app}'", app=app),
        data={"app": app},
    )
