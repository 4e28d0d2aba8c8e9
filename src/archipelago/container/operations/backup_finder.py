"""Finds backups on targets, and says whether one may be restored."""

from dataclasses import dataclass

from archipelago.backups.contents import BackupManifest
from archipelago.backups.repository import Repository
from archipelago.backups.restic.says import ResticSnapshot
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.snapshots import refuse_one_way
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.snapshots import record_from_json
from archipelago.support.texts.text import msg


@dataclass(frozen=True, slots=True)
class ReadBackup:
    """What a backup says of itself."""

    manifest: BackupManifest
    text: str
    """The record of the app in it, as JSON."""

    def record(self, now: AppRecord) -> AppRecord:
        """Return the app as it was. Raises `NodeError` where this version cannot use it."""
        try:
            then = record_from_json(self.text, now)
        except (ValueError, LookupError, TypeError) as error:
            raise self._unusable(str(error)[:200]) from error
        if then.package.problem:
            raise self._unusable(then.package.problem)
        return then

    def _unusable(self, why: str) -> NodeError:
        return NodeError(
            ErrorCode.INVALID_VALUE,
            msg(
                "the backup of {app} {version} cannot be used: {why}",
                app=self.manifest.app,
                version=self.manifest.version,
                why=why,
            ),
        )


@dataclass(frozen=True, slots=True)
class BackupFinder:
    """Looks on targets. Raises `NodeError`."""

    parts: JobParts

    async def repository(self, target: str) -> Repository:
        """Return the repository of a target."""
        work = self.parts.backups
        return await work.repository(await work.targets.get(target))

    async def all(self, target: str, app: str | None = None) -> tuple[ResticSnapshot, ...]:
        """Return the backups on a target, the newest first."""
        return await (await self.repository(target)).snapshots(app)

    async def find(self, target: str, app: str, backup: str | None) -> ResticSnapshot:
        """Return a backup by the start of its id; the newest one where that is None."""
        found = await self.all(target, app)
        matching = [each for each in found if backup is None or each.id.startswith(backup)]
        if not matching or (backup is not None and len(matching) > 1):
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("{target} has no backup {backup} of {app}", target=target, backup=backup or "", app=app),
                hint=msg("'archipelago backup list' shows them"),
            )
        return matching[0]

    async def newest_of_missing(self, target: str) -> dict[str, str]:
        """Return the apps that have a backup on a target and are not installed, each with the id of its newest one."""
        found = await self.all(target)
        installed = await self.parts.state.load_apps()
        newest: dict[str, str] = {}
        for each in found:
            if (app := each.tags.get("app", "")) and app not in installed:
                newest.setdefault(app, each.id)
        return newest

    async def read(self, repository: Repository, backup: str, app: str) -> ReadBackup:
        """Read what a backup says of itself."""
        return ReadBackup(*await self.parts.backups.reader.record(repository, backup, app))

    async def now(self, app: str) -> AppRecord:
        """Return the record of an app, or what stands for one that is not installed."""
        records = await self.parts.state.load_apps()
        return records.get(app) or self.parts.backups.stub(app, 0, await self.parts.data.strictest(app))

    async def require_fitting(self, app: str, read: ReadBackup) -> tuple[AppRecord, AppRecord | None]:
        """Refuse a backup that must not be restored, before anything changes; return the app then and now."""
        records = await self.parts.state.load_apps()
        now = await self.now(app)
        then = read.record(now)
        if app in records:
            refuse_one_way(now, then)
        # Compiled as it would be then: what cannot be is refused while nothing is changed.
        await self.parts.composer.compose({**records, app: then}, self.parts.reconciler.desired.broken)
        return then, records.get(app)
