"""Brings back every app that has a backup and is not installed: on a bare machine, the whole node."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Self

from pydantic import Field

from archipelago.container.operations.backup_finder import BackupFinder, ReadBackup
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.jobs.backup_restore import BackupRestoreJob
from archipelago.container.operations.node_job import NodeJob, failed_steps, open_steps, reasons
from archipelago.container.operations.opening_job import Errand
from archipelago.container.operations.restore_order import lacking, restore_order
from archipelago.container.operations.tracker import Tracker
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.operations import StepRecord
from archipelago.support.texts.text import msg

READ_STEP = msg("read what the backups say")


class RestoreAllJob(NodeJob):
    """Each app comes from its newest backup, providers first. One that fails does not keep the others away."""

    kind = "backup-restore-all"

    target: str
    backups: Mapping[str, str]
    """App -> id of restic's snapshot."""
    order: tuple[str, ...] = Field(default=())
    """The apps as they come back; empty until their backups are read."""

    @classmethod
    async def requested(cls, parts: JobParts, target: str) -> Self:
        """Plan it. Raises `NodeError` where every app that has a backup there is installed."""
        backups = await BackupFinder(parts).newest_of_missing(target)
        if not backups:
            raise NodeError(
                ErrorCode.ALREADY_INSTALLED,
                msg("every app that has a backup on {target} is installed", target=target),
                hint=msg("'archipelago backup restore APP' puts an app back that is installed"),
            )
        return cls(target=target, backups=backups, apps=tuple(sorted(backups)))

    async def run_all(self, parts: JobParts, tracker: Tracker) -> None:
        """Read the backups, and bring the apps back one after the other."""
        await tracker.more_steps((READ_STEP,))
        read, unread = await self._read(parts, tracker)
        order = self.order or (*restore_order(read), *sorted(unread))
        await tracker.more_steps(tuple(map(app_step, order)))
        job = self.model_copy(update={"order": order, "apps": order})
        await tracker.store(job.arguments)
        for app in order:
            step = app_step(app)
            if step not in open_steps(tracker.record.steps, (step,)):
                continue
            if why := unread.get(app) or await job._lacking(parts, tracker, read, app):
                await tracker.fail(step, why)
                continue
            check, plan = partial(job._check, parts, app), partial(job._plan, parts, app)
            await job.carry_out(parts, tracker, Errand(step, app, plan, check))

    def incomplete(self, failures: Sequence[StepRecord]) -> NodeError:
        """Say which apps are not back."""
        gone = [app for app in self.backups if any(each.name == app_step(app) for each in failures)]
        return NodeError(
            ErrorCode.INCOMPLETE,
            msg(
                "{count} of {all} apps are not back: {reasons}",
                count=len(failures),
                all=len(self.backups),
                reasons=reasons(failures),
            ),
            hint=msg("the others are; when the reasons are gone, run 'archipelago backup restore-all' again"),
            data={"apps": sorted(gone)},
        )

    async def _read(self, parts: JobParts, tracker: Tracker) -> tuple[dict[str, AppRecord], dict[str, str]]:
        """Return the apps as they were, and why others cannot be read."""
        finder = BackupFinder(parts)
        read: dict[str, AppRecord] = {}
        unread: dict[str, str] = {}
        await tracker.begin(READ_STEP)
        try:
            async with parts.backups.turn(self.target):
                repository = await finder.repository(self.target)
                await repository.open()
                for number, (app, backup) in enumerate(sorted(self.backups.items())):
                    await tracker.progress(READ_STEP, 100 * number / len(self.backups), app)
                    try:
                        read[app] = (await finder.read(repository, backup, app)).record(await finder.now(app))
                    except NodeError as error:
                        unread[app] = error.message
        except NodeError as error:  # its disk may be gone since a crash
            unread = dict.fromkeys(self.backups.keys() - read.keys(), error.message)
        await tracker.finish(READ_STEP, "")
        return read, unread

    async def _lacking(self, parts: JobParts, tracker: Tracker, read: Mapping[str, AppRecord], app: str) -> str:
        """Return why an app cannot come back: what it needs did not."""
        failed = {each.name for each in failed_steps(tracker.record.steps)}
        gone = [each for each in self.order if app_step(each) in failed]
        if found := lacking(read[app], (await parts.state.load_apps()).values(), gone, read):
            return msg("it needs {provider}, which did not come back", provider=found)
        return ""

    async def _check(self, parts: JobParts, app: str) -> None:
        """Refuse a backup that must not be restored. Raises `NodeError`."""
        finder = BackupFinder(parts)
        if app not in await parts.state.load_apps():
            read: ReadBackup = await finder.read(await finder.repository(self.target), self.backups[app], app)
            await finder.require_fitting(app, read)

    async def _plan(self, parts: JobParts, app: str) -> Job | None:
        if app in await parts.state.load_apps():
            return None  # a crash came after it, or its owner was faster
        return await BackupRestoreJob.planned(parts, app, self.target, self.backups[app])


def app_step(app: str) -> str:
    """Return the name of the step in which an app comes back."""
    return msg("restore {app}", app=app)
