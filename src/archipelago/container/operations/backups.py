"""What the owner does with backups: targets, backups now, lists, restores, checks, drills."""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from archipelago.api.backups import (
    AppBackupView,
    BackupPreview,
    BackupTarget,
    BackupView,
    FolderTarget,
    LeftOutVolume,
    RestoredVolume,
    TargetView,
)
from archipelago.api.operations import Operation
from archipelago.backups.restic.access import place
from archipelago.backups.restic.says import ResticSnapshot
from archipelago.backups.schedule import is_overdue, may_forget
from archipelago.backups.targets import TargetHistory, TargetRecord
from archipelago.container.data.data_classes import has_channels
from archipelago.container.desired.installed_apps import Records
from archipelago.container.operations.backup_finder import BackupFinder
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.jobs.backup import BackupJob
from archipelago.container.operations.jobs.backup_all import BackupAllJob
from archipelago.container.operations.jobs.backup_restore import BackupRestoreJob
from archipelago.container.operations.jobs.drill import DrillJob
from archipelago.container.operations.jobs.drill_all import DrillAllJob
from archipelago.container.operations.jobs.restore_all import RestoreAllJob
from archipelago.container.operations.runner import JobRunner
from archipelago.container.operations.target_notes import TargetNotes
from archipelago.container.proposals.new_rights import more_reach
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord
from archipelago.support.texts.text import msg


@dataclass(frozen=True, slots=True)
class Backups:
    """Answers the methods about backups. Raises `NodeError`."""

    parts: JobParts
    runner: JobRunner
    notes: TargetNotes

    @property
    def _finder(self) -> BackupFinder:
        return BackupFinder(self.parts)

    async def targets(self) -> tuple[TargetView, ...]:
        """Return the targets, and when each app was last backed up there, and proved."""
        return tuple([await self._target(name) for name in await self.parts.backups.targets.names()])

    async def add(self, name: str, target: BackupTarget, secret: str, *, scheduled: bool) -> TargetView:
        """Add a target: its repository is made, or the one that is there is used if the node's key opens it."""
        work = self.parts.backups
        if isinstance(target, FolderTarget):
            await asyncio.to_thread(refuse_own_folders, Path(target.path), (work.layout.root, work.layout.runtime))
            await asyncio.to_thread(_refuse_other_data, Path(target.path))
        record = TargetRecord(
            name=name, target=target, secret=secret, repository="", scheduled=scheduled, added=datetime.now(UTC)
        )
        async with work.turn(name):
            repository = await (await work.repository(record)).create()
        record = record.model_copy(update={"repository": repository})
        await work.targets.add(record)
        return await self._target(name)

    async def change(
        self, name: str, target: BackupTarget | None, secret: str | None, *, scheduled: bool | None
    ) -> TargetView:
        """Change how a target is reached, or its schedule; what is None stays. The repository has to be the same."""
        work = self.parts.backups
        given = {"target": target, "secret": secret, "scheduled": scheduled}
        async with work.turn(name):
            record = await work.targets.get(name)
            record = record.model_copy(update={key: value for key, value in given.items() if value is not None})
            if target is not None or secret is not None:
                await (await work.repository(record)).open()
            await work.targets.replace(record)
        return await self._target(name)

    async def remove(self, name: str) -> None:
        """Forget a target; what is stored there stays."""
        await self.parts.backups.targets.remove(name)

    async def now(self, app: str, target: str) -> Operation:
        """Back up an app."""
        async with self.runner.request(app) as record:
            return await self.runner.open(await BackupJob.requested(self.parts, record, target))

    async def all_now(self, targets: Sequence[str] | None, apps: Sequence[str] | None) -> Operation:
        """Back up apps to targets, one after the other; None stands for all."""
        job = await BackupAllJob.requested(self.parts, targets, apps)
        async with self.runner.deciding:
            return await self.runner.open(job)

    async def list(self, target: str, app: str | None = None) -> tuple[BackupView, ...]:
        """Return the backups on a target, the newest first."""
        return tuple(map(_backup, await self._finder.all(target, app)))

    async def preview(self, app: str, target: str, backup: str | None) -> BackupPreview:
        """Say what restoring a backup would do. Raises `NodeError` where it must not be restored."""
        work, finder = self.parts.backups, self._finder
        found = await finder.find(target, app, backup)
        repository = await finder.repository(target)
        (size, files), read = await asyncio.gather(repository.size(found.id), finder.read(repository, found.id, app))
        then, now = await finder.require_fitting(app, read)
        manifest = read.manifest
        return BackupPreview(
            app=app,
            backup=found.id[:16],
            at=found.at,
            version=manifest.version,
            version_now=now.package.manifest.version if now is not None else None,
            size=size,
            files=files,
            free=(await asyncio.to_thread(shutil.disk_usage, work.layout.root)).free,
            volumes=tuple(RestoredVolume(name=name, way=way) for name, way in manifest.volumes.items()),
            left_out=tuple(LeftOutVolume(name=name, data=data) for name, data in manifest.left_out.items()),
            stays_stopped=now is None and has_channels(then),
            reach=more_reach(now.manifest, then.manifest) if now is not None else "",
        )

    async def restore(self, app: str, target: str, backup: str | None) -> Operation:
        """Put an app back to a backup, the newest where none is named; one that is not there is installed from it."""
        finder = self._finder
        found = await finder.find(target, app, backup)
        await finder.require_fitting(app, await finder.read(await finder.repository(target), found.id, app))
        async with self.runner.deciding:
            return await self.runner.open(await BackupRestoreJob.planned(self.parts, app, target, found.id))

    async def restore_all(self, target: str) -> Operation:
        """Install every app that has a backup on a target and is not installed, each from its newest one."""
        job = await RestoreAllJob.requested(self.parts, target)
        async with self.runner.deciding:
            return await self.runner.open(job)

    async def extract(self, target: str, app: str, backup: str | None, path: str, to: str) -> None:
        """Restore one file or folder of a backup into a new folder of this machine."""
        work, folder = self.parts.backups, Path(to)
        await asyncio.to_thread(refuse_own_folders, folder, (work.layout.root, work.layout.runtime))
        found = await self._finder.find(target, app, backup)
        await asyncio.to_thread(make_new_folder, folder)
        async with work.turn(target):
            repository = await work.repository(await work.targets.get(target))
            await repository.open()
            await repository.restore(found.id, folder, (f"/{path.strip('/')}",))
        if not any(await asyncio.to_thread(lambda: list(folder.iterdir()))):
            await asyncio.to_thread(folder.rmdir)
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("there is no {path} in this backup", path=path),
                hint=msg("paths start with volumes/ and the name of a volume; databases of SQLite are in node/sqlite"),
            )

    async def check(self, target: str) -> None:
        """Require that a repository is whole."""
        work = self.parts.backups
        try:
            async with work.turn(target):
                repository = await work.repository(await work.targets.get(target))
                await repository.open()
                await repository.check()
        except NodeError as error:
            problem = error.message
            await work.targets.note(target, lambda history: history.model_copy(update={"problem": problem}))
            raise
        await work.targets.note(target, lambda history: history.model_copy(update={"checked": datetime.now(UTC)}))

    async def drill(self, app: str, target: str, backup: str | None) -> Operation:
        """Prove that a backup of an app can be restored."""
        found = await self._finder.find(target, app, backup)
        async with self.runner.request(app):
            return await self.runner.open(await DrillJob.requested(self.parts, app, target, found.id))

    async def drill_all(self, targets: Sequence[str] | None, apps: Sequence[str] | None) -> Operation:
        """Prove that the newest backups of apps can be restored, one after the other; None stands for all."""
        job = await DrillAllJob.requested(self.parts, targets, apps)
        async with self.runner.deciding:
            return await self.runner.open(job)

    async def thin_out(self, target: str) -> None:
        """Forget what is no backup, and what retention does not keep, where enough backups of these days are there."""
        work = self.parts.backups
        try:
            async with work.turn(target):
                # First: what is no backup must not take the place of one that retention keeps.
                await self._forget_void(target)
                await self._thin_out(target)
        except NodeError as error:
            if error.code is not ErrorCode.FORBIDDEN:  # a target may refuse to delete, which is its strength
                raise

    async def _forget_void(self, target: str) -> None:
        work = self.parts.backups
        gone = await (await work.repository(await work.targets.get(target))).forget_void()
        if gone:
            await work.targets.note(
                target,
                lambda history: history.model_copy(
                    update={"void": tuple(each for each in history.void if each not in gone)}
                ),
            )

    async def _thin_out(self, target: str) -> None:
        work = self.parts.backups
        found = await self._finder.all(target)
        times: dict[str, list[datetime]] = {}
        for each in found:
            times.setdefault(each.tags.get("app", ""), []).append(each.at)
        now = datetime.now(UTC)
        apps = [app for app, all_of_it in times.items() if app and may_forget(all_of_it, now)]
        if apps:
            await (await work.repository(await work.targets.get(target))).thin_out(apps)
            await self.notes.thin_out(target, tuple(apps))

    async def _target(self, name: str) -> TargetView:
        store = self.parts.backups.targets
        try:
            record = await store.get(name)
        except NodeError as error:
            # It was sealed under another key: that must not hide the other targets.
            return TargetView(name=name, kind="", place="", repository="", scheduled=False, problem=error.message)
        view = _view(record, await store.history(name), await self.parts.state.load_apps(), datetime.now(UTC))
        return view.model_copy(update={"free": await asyncio.to_thread(free_at, record.target)})


def _view(record: TargetRecord, history: TargetHistory, apps: Records, now: datetime) -> TargetView:
    return TargetView(
        name=record.name,
        kind=record.target.kind,
        place=place(record.target),
        settings=record.target,
        repository=record.repository,
        scheduled=record.scheduled,
        checked=history.checked,
        problem=history.problem,
        apps=tuple(
            AppBackupView(
                app=app,
                newest=history.of(app).newest,
                proved=history.of(app).proved,
                proof=history.of(app).proof,
                overdue=record.scheduled and is_overdue(history.of(app).newest, _since(record, installed), now),
            )
            for app, installed in sorted(apps.items())
        ),
    )


def free_at(target: BackupTarget) -> int | None:
    """Return the bytes that are free on the disk of a folder; None of another target, or one that is away. Blocking."""
    if not isinstance(target, FolderTarget):
        return None
    try:
        # Without the repository it may be the folder below a disk that is not mounted.
        (Path(target.path) / "config").stat()
        return shutil.disk_usage(target.path).free
    except OSError:
        return None


def _since(record: TargetRecord, installed: AppRecord) -> datetime:
    """Return since when there should be backups of an app on a target."""
    return max(record.added, datetime.fromtimestamp(installed.installed_at, UTC))


def _backup(found: ResticSnapshot) -> BackupView:
    return BackupView(
        id=found.id[:16], app=found.tags.get("app", ""), version=found.tags.get("version", ""), at=found.at
    )


def make_new_folder(folder: Path) -> None:
    """Make a folder for what is brought out of a backup or a snapshot. Raises `NodeError` where that is impossible."""
    try:
        folder.mkdir(0o700)
    except OSError as error:
        raise NodeError(
            ErrorCode.INVALID_VALUE,
            msg("{folder} cannot be made: {error}", folder=str(folder), error=error.strerror or error),
            hint=msg("name a folder that is not there yet, where the node's user may write"),
        ) from error


def refuse_own_folders(folder: Path, own: tuple[Path, ...]) -> None:
    """Raise `NodeError` where a folder is among the node's own. Blocking."""
    real = folder.resolve()
    if any(real == each or real.is_relative_to(each.resolve()) for each in own):
        raise NodeError(
            ErrorCode.INVALID_VALUE,
            msg("{folder} is among the node's own data", folder=folder),
            hint=msg("a backup belongs on another disk"),
        )


def _refuse_other_data(folder: Path) -> None:
    """Refuse a folder in which is something else than a repository: its owner may delete one, and mean the other."""
    try:
        found = {path.name for path in folder.iterdir()} - {"lost+found"}
    except OSError:
        return  # restic says what is wrong with it, or makes it
    if found and "config" not in found:
        raise NodeError(
            ErrorCode.INVALID_VALUE,
            msg("there are other files in {folder}", folder=folder),
            hint=msg("name a folder that is empty, or not there yet: {folder}/archipelago", folder=folder),
        )
