"""Removes an app. Its data stays unless the owner has it deleted, and keys to money are kept even then."""

from typing import Self

from archipelago.container.data.kept import Keepsake, keepsake_of
from archipelago.container.dependency_resolver.plan import Request
from archipelago.container.operations.changes.removal import keepsake_by_catalog, uninstall
from archipelago.container.operations.changes.starts import stop_step
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.tracker import Tracker
from archipelago.container.operations.way_back import require_read
from archipelago.container.proposals.proposal import touched
from archipelago.storage.records.apps import AppRecord
from archipelago.support.texts.text import msg


class RemoveJob(Job):
    """It cannot be cancelled."""

    kind = "remove"

    delete_data: bool
    keepsake: Keepsake | None = None
    """What of the data stays, as the manifest says that is gone once the app is out; None in rows of a version that
    kept nothing: then the catalog is asked."""

    @classmethod
    async def requested(cls, parts: JobParts, record: AppRecord, *, delete_data: bool) -> Self:
        """Plan the removal of an installed app. Raises `NodeError` where others need it, or its data cannot be kept."""
        manifest = record.package.manifest
        plan = await parts.composer.plan(await parts.state.load_apps(), Request(remove=(record.app,)))
        if delete_data:
            require_read(record)
            await parts.data.refuse_unkeepable(record)
        return cls(app=record.app, apps=touched(plan), delete_data=delete_data, keepsake=keepsake_of(manifest))

    async def run(self, parts: JobParts, tracker: Tracker) -> None:
        """Take the app out, and delete its data where that was asked for."""
        app = self.app
        record = (await parts.state.load_apps()).get(app)
        if record is not None and not self.delete_data:
            await parts.pruner.keep(record.package)
        stop, delete = stop_step(app), msg("delete the data of {app}", app=app)
        await tracker.steps((stop, delete) if self.delete_data else (stop,))
        await tracker.commit()
        await tracker.begin(stop)
        if record is None:
            # A crash came after it was taken out, and its containers may run on: only a keeper that looks knows.
            parts.reconciler.look_again(app)
        kept = "" if self.delete_data else "; its data stays"
        await uninstall(parts, (app,), message=f"{app} removed{kept}", app=app)
        await parts.reconciler.sweep()
        await tracker.finish(stop)
        if self.delete_data:
            await tracker.begin(delete)
            await parts.data.delete(app, self.keepsake or await keepsake_by_catalog(parts, app))
            await tracker.finish(delete)
        await parts.inventory.forget(app)
        parts.pruner.want()
