"""Writes a backup of an app to a target."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from archipelago.backups.maker import Recipe
from archipelago.backups.restic.says import WriteProgress
from archipelago.backups.targets import TargetHistory
from archipelago.container.data.data_classes import RestorableVolume
from archipelago.container.data.kept import stamp
from archipelago.container.data.snapshots.order import SnapshotOrder
from archipelago.container.desired.installed_apps import installed
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.operations import Tracker
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.snapshots import SnapshotKind
from archipelago.support.texts.sizes import size_words
from archipelago.support.texts.text import joined, msg

REACH_STEP, COPY_STEP, WRITE_STEP = msg("reach the target"), msg("copy its databases"), msg("write the backup")


class BackupJob(Job):
    """The app runs on; only databases that have no copy of their own are copied while it is stopped.

    A cancel leaves nothing, and neither does a failure: what cannot be copied whole never becomes the newest backup.
    """

    kind = "backup"

    target: str
    snapshot: str
    """Name of the snapshot of what is copied while the app is stopped."""
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

    async def run(self, parts: JobParts, tracker: Tracker) -> None:
        """Write the backup."""
        work = parts.backups
        await tracker.steps((REACH_STEP, COPY_STEP, WRITE_STEP))
        try:
            await self._write(parts, tracker)
        except NodeError as error:
            problem = error.message
            await work.targets.note(self.target, lambda history: history.model_copy(update={"problem": problem}))
            raise
        finally:
            parts.way_back.release((self.app,))

    async def undo(self, parts: JobParts) -> None:
        """Delete the copy, and let the app run."""
        await parts.way_back.store.delete(self.app, self.snapshot)
        parts.way_back.release((self.app,))

    async def _write(self, parts: JobParts, tracker: Tracker) -> None:
        work = parts.backups
        await tracker.begin(REACH_STEP)
        repository = await work.repository(await work.targets.get(self.target))
        if work.turn(self.target).locked():
            await tracker.progress(REACH_STEP, None, msg("waits for another backup"))
        async with work.turn(self.target):
            await repository.open()
            await tracker.finish(REACH_STEP, "")
            record = installed(await parts.state.load_apps(), self.app)
            recipe = await work.recipe(record)
            async with self._copies(parts, tracker, recipe) as copies:
                await tracker.begin(WRITE_STEP)
                progress = _Shown(tracker)
                async with progress:
                    written = await work.maker.write(recipe, repository, copies, progress.show)
                await tracker.commit()
            await tracker.finish(
                WRITE_STEP,
                msg("{size}, of which {new} are new", size=size_words(written.bytes), new=size_words(written.added)),
            )

        def done(history: TargetHistory) -> TargetHistory:
            return history.with_app(self.app, newest=recipe.at).model_copy(update={"problem": ""})

        await work.targets.note(self.target, done)
        for receive in work.written:
            receive(self.app)

    @contextlib.asynccontextmanager
    async def _copies(self, parts: JobParts, tracker: Tracker, recipe: Recipe) -> AsyncIterator[Mapping[str, Path]]:
        """Yield copies of the volumes that must not be read while the app writes; they are deleted at the end."""
        await tracker.begin(COPY_STEP)
        if not recipe.stopped:
            await tracker.finish(COPY_STEP, msg("while the app runs"))
            yield {}
            return
        store, app = parts.way_back.store, self.app
        await store.delete(app, self.snapshot)  # of before a crash
        wanted = [each.volume for each in recipe.stopped if isinstance(each.volume, RestorableVolume)]
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
            await parts.way_back.suspend((app,))
            await store.take(recipe.record, SnapshotOrder(self.snapshot, SnapshotKind.BACKUP), plan)
            parts.way_back.release((app,))
            await tracker.store(self.arguments)
            await tracker.finish(COPY_STEP, msg("the app was stopped for it"))
            place = parts.backups.layout.app(app).snapshot(self.snapshot)
            yield {each.name: place.volume(each.name) for each in wanted}
        finally:
            await store.delete(app, self.snapshot)


class _Shown:
    """Shows how far restic is; what it says comes from a reader that must not wait."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._newest: WriteProgress | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def show(self, progress: WriteProgress) -> None:
        self._newest = progress
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if (found := self._newest) is not None:
                detail = msg("{done} of {total}", done=size_words(found.done), total=size_words(found.total))
                await self._tracker.progress(WRITE_STEP, found.percent, detail)
