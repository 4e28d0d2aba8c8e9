"""Takes a snapshot of an app, which is stopped for it."""

from datetime import UTC, datetime
from typing import Self

from archipelago.container.data.kept import stamp
from archipelago.container.data.snapshots.order import SnapshotOrder
from archipelago.container.desired.installed_apps import installed
from archipelago.container.operations.changes.starts import start_step
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.tracker import Tracker
from archipelago.container.operations.way_back import copy_step, require_read
from archipelago.errors import NodeError
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.snapshots import SnapshotKind


class SnapshotJob(Job):
    """A cancel leaves nothing of the snapshot."""

    kind = "snapshot"

    snapshot: str
    """Its name."""
    why: SnapshotKind = SnapshotKind.MANUAL

    @classmethod
    async def measure(cls, parts: JobParts, record: AppRecord) -> None:
        """Measure what a snapshot takes, which may take long. Raises `NodeError` where it cannot be."""
        require_read(record)
        (await parts.way_back.plan(record)).require_room(record.app)

    @classmethod
    def requested(cls, record: AppRecord, why: SnapshotKind = SnapshotKind.MANUAL) -> Self:
        """Return what takes a snapshot of an app that was measured. Raises `NodeError` where it cannot be."""
        require_read(record)
        return cls(app=record.app, snapshot=stamp(datetime.now(UTC)), why=why)

    @property
    def suspended(self) -> frozenset[str]:
        """The app: after a crash, either the copy is complete, or it is made again."""
        return frozenset({self.app})

    async def run(self, parts: JobParts, tracker: Tracker) -> None:
        """Stop the app, copy its data, and start it."""
        try:
            await self._run(parts, tracker)
        except Exception:
            # Not where the node ends: the next one suspends it at once, and the job goes on.
            parts.way_back.release((self.app,))
            raise

    async def undo(self, parts: JobParts) -> None:
        """Delete what was copied, and let the app run."""
        try:
            await parts.way_back.store.delete(self.app, self.snapshot)
        finally:
            parts.way_back.release((self.app,))

    async def _run(self, parts: JobParts, tracker: Tracker) -> None:
        way, apps = parts.way_back, (self.app,)
        await tracker.steps((copy_step(self.app), start_step(self.app)))
        record = installed(await parts.state.load_apps(), self.app)
        plan = await way.prepare(record)
        await way.lay_out(tracker, record, self.snapshot, plan)
        try:
            await way.suspend(apps)
        except NodeError:
            await way.store.delete(self.app, self.snapshot)
            raise
        await way.store.take(record, SnapshotOrder(self.snapshot, self.why), plan)
        await tracker.commit()
        way.release(apps)
        await tracker.finish(copy_step(self.app))
        await parts.starts.wait(tracker, apps)
