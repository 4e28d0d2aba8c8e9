"""Puts apps back to snapshots: to one that its owner chose, or to those of before an update."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from archipelago.container.data.kept import stamp
from archipelago.container.data.snapshots.order import SnapshotOrder
from archipelago.container.operations.changes.starts import start_step
from archipelago.container.operations.image_fetcher import image_step
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.tracker import Tracker
from archipelago.container.operations.way_back import NothingMoved, Return, back_step
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.snapshots import SnapshotKind
from archipelago.support.texts.text import msg


class RestoreStage(StrEnum):
    """How far it is, as a crash finds it again."""

    COPY = "copy"
    """Nothing of the apps is changed; the images are fetched, and the snapshots copied."""
    BACK = "back"
    """The apps are stopped, and what they were comes back."""
    FORMER = "former"
    """What they were is back, and starts."""


class RestoreJob(Job):
    """What was there until now becomes a snapshot, so this can be undone; it can be cancelled until then."""

    kind = "restore"

    back: tuple[str, ...]
    """The apps that go back together."""
    snapshot: str
    """Name of the snapshots."""
    copy_of: str = ""
    """Name of the snapshots of which these are copies that are still to be made; none where the snapshots go."""
    aside: str
    """Name of the snapshots that the data until now becomes."""
    aside_kind: SnapshotKind
    stage: RestoreStage = RestoreStage.COPY

    @classmethod
    async def measure(cls, parts: JobParts, found: Return) -> None:
        """Measure the copies, which may take long. Raises `NodeError` where there is no room for them."""
        for app in () if found.consumes else found.apps:
            (await parts.way_back.store.plan_clone(app, found.snapshot)).require_room(app)

    @classmethod
    def requested(cls, found: Return) -> Self:
        """Return the way back to snapshots."""
        now = datetime.now(UTC)
        name = found.snapshot if found.consumes else stamp(now + timedelta(milliseconds=1))
        return cls(
            app=found.apps[0],
            apps=found.apps,
            back=found.apps,
            snapshot=name,
            copy_of="" if found.consumes else found.snapshot,
            aside=stamp(now),
            aside_kind=SnapshotKind.REJECTED if found.undoes_update else SnapshotKind.BEFORE_RESTORE,
        )

    @property
    def suspended(self) -> frozenset[str]:
        """The apps whose data was being put back."""
        return frozenset(self.back if self.stage is RestoreStage.BACK else ())

    @property
    def step_names(self) -> tuple[str, ...]:
        """What it does."""
        return (*map(image_step, self.back), *map(back_step, self.back), *map(start_step, self.back))

    async def run(self, parts: JobParts, tracker: Tracker) -> None:
        """Copy the snapshots where they stay, put the apps back, and wait until they are ready."""
        try:
            await self._run(parts, tracker)
        except Exception:
            parts.way_back.release(self.back)
            raise
        finally:
            parts.pruner.want()

    async def undo(self, parts: JobParts) -> None:
        """Delete the copies."""
        if self.copy_of:
            for app in self.back:
                await parts.way_back.store.delete(app, self.snapshot)

    async def _run(self, parts: JobParts, tracker: Tracker) -> None:
        job, way = self, parts.way_back
        if job.stage is RestoreStage.COPY:
            await tracker.steps(self.step_names)
            job = await self._copy(parts, tracker)
        if job.stage is RestoreStage.BACK:
            try:
                await way.put_back(
                    tracker, self.back, self.snapshot, SnapshotOrder(self.aside, self.aside_kind, together=self.back)
                )
            except NothingMoved:
                await self.undo(parts)
                raise
            except Exception as error:  # whatever it is, half of the data may be back
                await way.give_up(self.back, self.app)
                raise _stuck(self, str(error)) from error
            job = await job._at(tracker, RestoreStage.FORMER)
        way.release(self.back)
        for app in self.back:
            # Its volumes are in use. What is left of a copy is in the snapshot as well.
            await (way.store.delete if self.copy_of else way.store.delete_spent)(app, self.snapshot)
            await way.store.thin_out(app)
        await parts.starts.wait(tracker, self.back)

    async def _copy(self, parts: JobParts, tracker: Tracker) -> Self:
        records, store = await parts.state.load_apps(), parts.way_back.store
        packages = {app: (await store.record(records[app], self.copy_of or self.snapshot)).package for app in self.back}
        async with parts.fetcher.fetched(tracker, packages):
            try:
                for app in self.back if self.copy_of else ():
                    await tracker.progress(back_step(app), None, msg("copies the snapshot"))
                    await store.clone(app, self.copy_of, self.snapshot)
            except Exception:
                await self.undo(parts)
                raise
            for app in self.back:
                await parts.pruner.keep(records[app].package)
            await tracker.commit()
            return await self._at(tracker, RestoreStage.BACK)

    async def _at(self, tracker: Tracker, stage: RestoreStage, **changes: Any) -> Self:
        job = self.model_copy(update={"stage": stage, **changes})
        await tracker.store(job.arguments)
        return job


def _stuck(job: RestoreJob, error: str) -> NodeError:
    apps = ", ".join(job.back)
    return NodeError(
        ErrorCode.INTERNAL,
        msg("the snapshot cannot be put back whole, so {apps} stay stopped: {error}", apps=apps, error=error),
        hint=msg(
            "nothing is lost: 'archipelago snapshot list {app}' shows the snapshots {snapshot} (before) and {rejected}",
            app=job.app,
            snapshot=job.snapshot,
            rejected=job.aside,
        ),
    )
