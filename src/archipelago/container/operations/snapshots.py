"""What the owner does with snapshots: look, take, restore, delete, undo."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from archipelago.api.operations import Operation
from archipelago.api.snapshots import RestorePreview, SnapshotPreview, SnapshotView
from archipelago.container.data.data_classes import NeverRestoreVolume, RestorableVolume, app_volumes, funds_volumes
from archipelago.container.data.snapshots.methods import missed
from archipelago.container.manifest.model.data import DataClass, Reversible
from archipelago.container.manifest.way_back import way_back
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.jobs.look import LookJob
from archipelago.container.operations.jobs.restore import RestoreJob
from archipelago.container.operations.jobs.snapshot import SnapshotJob
from archipelago.container.operations.operations import Operations
from archipelago.container.operations.runner import JobRunner
from archipelago.container.operations.way_back import Return, require_read
from archipelago.container.proposals.new_rights import more_reach
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.snapshots import SnapshotKind, SnapshotRecord
from archipelago.support.texts.sizes import size_words
from archipelago.support.texts.text import joined, msg

_COUNTING = 5.0
"""Longest time for counting what the snapshots of an app take, in seconds."""
_MANY = 10
"""Snapshots that an owner took of one app, from which on another one comes with a warning."""


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Answers the methods about snapshots. Raises `NodeError`."""

    parts: JobParts
    runner: JobRunner
    operations: Operations

    async def list(self, app: str) -> tuple[SnapshotView, ...]:
        """Return the snapshots of an app, the newest first."""
        record, store = await self.parts.planner.installed(app), self.parts.way_back.store
        found = await store.list(app)
        undo = _before_update(record, found)
        funds, sizes = funds_volumes(record), await store.sizes.of(app, reversed(tuple(found)), _COUNTING)
        return tuple(
            SnapshotView(
                name=name,
                kind=found[name].kind,
                at=found[name].at,
                version=found[name].version,
                size=size.bytes,
                counted=size.complete,
                funds=found[name].has_keys(funds),
                undoes_update=name == undo,
            )
            for name, size in sizes.items()
        )

    async def preview(self, app: str) -> SnapshotPreview:
        """Return what taking a snapshot would cost."""
        plan = await self.parts.way_back.plan(await self.parts.planner.installed(app))
        remarks = (*((plan.cost(app),) if plan.bytes else ()), *await self._crowd(app))
        return SnapshotPreview(
            app=app,
            size=plan.bytes,
            seconds=plan.seconds,
            free=plan.free,
            missing=plan.missing,
            left_out=tuple(sorted(plan.left_out)),
            remarks=remarks,
        )

    async def take(self, app: str, why: SnapshotKind = SnapshotKind.MANUAL) -> Operation:
        """Take a snapshot of an app."""
        await SnapshotJob.measure(self.parts, await self.runner.idle(app))
        async with self.runner.request(app) as record:
            return await self.runner.open(SnapshotJob.requested(record, why))

    async def restore_preview(self, app: str, snapshot: str) -> RestorePreview:
        """Return what going back to a snapshot would do."""
        await self.parts.planner.installed(app)
        return await self._preview(await self._return(app, snapshot))

    async def restore(self, app: str, snapshot: str, stays: Collection[str] = ()) -> Operation:
        """Put an app back to a snapshot; its data until now becomes one.

        `stays` are the volumes of which the owner knows that they are not in it; where there are more, nothing is done.
        """

        async def wanted() -> Return:
            found = await self._return(app, snapshot)
            require_known(app, stays, await self._missed(found))
            return found

        await self.runner.idle(app)
        await RestoreJob.measure(self.parts, await wanted())
        async with self.runner.request(app):
            return await self.runner.open(RestoreJob.requested(await wanted()))

    async def undo_preview(self, app: str) -> RestorePreview:
        """Return what undoing the last update of an app would do."""
        return await self._preview(await self._undo(await self.parts.planner.installed(app)))

    async def undo(self, app: str) -> Operation:
        """Undo the last update of an app, with the apps that it was updated with."""
        async with self.runner.request(app) as record:
            return await self.runner.open(RestoreJob.requested(await self._undo(record)))

    async def look(self, app: str, snapshot: str, minutes: int) -> Operation:
        """Run a scratch copy of an app from a snapshot, without network."""
        async with self.runner.request(app) as record:
            return await self.runner.open(await LookJob.requested(self.parts, record, snapshot, minutes))

    async def delete(self, app: str, snapshot: str) -> None:
        """Delete a snapshot for ever."""
        with self.operations.kept_away(app):
            await self.parts.way_back.store.about(app, snapshot)
            await self.parts.way_back.store.delete(app, snapshot)

    async def _crowd(self, app: str) -> tuple[str, ...]:
        """Return what the owner should know of the snapshots that nobody else deletes, where there are many."""
        store = self.parts.way_back.store
        found = await store.list(app)
        names = [name for name, each in found.items() if each.kind is SnapshotKind.MANUAL or each.kind.is_moved]
        if len(names) < _MANY:
            return ()
        sizes = await store.sizes.of(app, reversed(names), _COUNTING)
        size = size_words(sum(each.bytes for each in sizes.values()))
        return (
            msg(
                "there are {count} snapshots of {app}, up to {size} together, that stay until you delete them",
                count=len(names),
                app=app,
                size=size,
            ),
        )

    # --- rules ------------------------------------------------------------------------------------------------------

    async def _return(self, app: str, snapshot: str) -> Return:
        about = await self.parts.way_back.store.about(app, snapshot)
        consumes = about.kind is SnapshotKind.BEFORE_RESTORE
        return await self._allowed(Return(snapshot, (app,), about.at, about.version, consumes))

    async def _undo(self, record: AppRecord) -> Return:
        found = await self.parts.way_back.store.list(record.app)
        name = _before_update(record, found)
        if name is None:
            raise NodeError(
                ErrorCode.TOO_LATE,
                msg("the update of {app} cannot be undone: there is no snapshot of before it", app=record.app),
                hint=msg("'archipelago snapshot list {app}' shows what else it can go back to", app=record.app),
            )
        apps = (record.app, *(each for each in found[name].together if each != record.app))
        records = await self.parts.state.load_apps()
        for app in apps:
            if app not in records or _before_update(records[app], await self.parts.way_back.store.list(app)) != name:
                raise NodeError(
                    ErrorCode.TOO_LATE,
                    msg("the update of {app} cannot be undone: {other} was changed since", app=record.app, other=app),
                    hint=msg("they were updated together, and would go back together"),
                )
        way = Return(name, apps, found[name].at, found[name].version, consumes=True, undoes_update=True)
        return await self._allowed(way)

    async def _allowed(self, found: Return) -> Return:
        """Return it where the manifests allow it, and everything fits together then. Raises `NodeError`."""
        records = await self.parts.state.load_apps()
        then = {app: await self.parts.way_back.store.record(records[app], found.snapshot) for app in found.apps}
        for app, record in then.items():
            refuse_one_way(records[app], record)
            volumes = await self.parts.way_back.returning(records[app], found.snapshot)
            await self.parts.way_back.store.require_movable(app, volumes, found.snapshot)
        # Compiled as it would be then: what cannot be is refused while nothing is changed.
        await self.parts.composer.compose({**records, **then}, self.parts.reconciler.desired.broken)
        return found

    async def _missed(self, found: Return) -> tuple[str, ...]:
        """Return the volumes that stay as they are though the app should go back with them."""
        abouts = [await self.parts.way_back.store.about(app, found.snapshot) for app in found.apps]
        return tuple(sorted({volume for about in abouts for volume in missed(about.left_out)}))

    async def _preview(self, found: Return) -> RestorePreview:
        records = await self.parts.state.load_apps()
        remarks, stays = [], await self._missed(found)
        if stays:
            remarks.append(
                msg(
                    "{volumes} is not in this snapshot and stays as it is now, beside the older rest: {app} may not "
                    "work with both",
                    volumes=joined(stays, ", "),
                    app=found.apps[0],
                )
            )
        for app in found.apps:
            remarks += await self._remarks(found, records[app])
        return RestorePreview(
            apps=found.apps,
            snapshot=found.snapshot,
            at=found.at,
            version=found.version,
            version_now=records[found.apps[0]].package.manifest.version,
            stays=stays,
            remarks=(
                msg(
                    "what {apps} wrote since {at} is not there any more: it becomes a snapshot of its own",
                    apps=joined(list(found.apps), ", "),
                    at=f"{found.at:%Y-%m-%d %H:%M} UTC",
                ),
                *remarks,
            ),
        )

    async def _remarks(self, found: Return, record: AppRecord) -> tuple[str, ...]:
        """Return what the owner should know of one of the apps that go back."""
        app, way = record.app, self.parts.way_back
        then = await way.store.record(record, found.snapshot)
        volumes, said = app_volumes(record, then.package.manifest), []
        if reach := more_reach(record.manifest, then.manifest):
            said.append(msg("the settings of {app} of then come back, with which {reach}", app=app, reach=reach))
        if proofs := [each.name for each in volumes if not isinstance(each, RestorableVolume)]:
            said.append(
                msg(
                    "{volumes} of {app} stays as it is now, since an older copy must never replace it",
                    volumes=joined(proofs, ", "),
                    app=app,
                )
            )
        restorable = [each for each in volumes if isinstance(each, RestorableVolume)]
        if keys := await way.store.keys_without_secrets(record, found.snapshot, restorable):
            said.append(
                msg(
                    "the secrets of {app} stay as they are now, since {volumes} has keys to money and stays too",
                    app=app,
                    volumes=joined(keys, ", "),
                )
            )
        if not found.consumes:
            plan = await way.store.plan_clone(app, found.snapshot)
            plan.require_room(app)
            said += [plan.cost(app)] if plan.bytes else []
        return (*said, *await self._crowd(app))


def require_known(app: str, known: Collection[str], stays: Collection[str]) -> None:
    """Raise `NodeError` where more volumes stay as they are, beside older ones, than the owner agreed to. Pure."""
    if more := sorted(set(stays).difference(known)):
        raise NodeError(
            ErrorCode.FORBIDDEN,
            msg(
                "{volumes} of {app} is not in this snapshot, and would stay beside older data",
                volumes=joined(more, ", "),
                app=app,
            ),
            hint=msg("look at the change again, then decide"),
            data={"app": app, "stays": more},
        )


def refuse_one_way(now: AppRecord, then: AppRecord) -> None:
    """Raise `NodeError` where an app must not go back from one record to another. Pure."""
    for record in (now, then):
        require_read(record)
    volumes, former = now.package.manifest.volumes, then.package.manifest.volumes
    never = {each.name for each in app_volumes(now) if isinstance(each, NeverRestoreVolume)}
    # A version that does not know a proof of money for one may write over it.
    never |= {
        name
        for name, volume in volumes.items()
        if volume.data is DataClass.APPEND_PROOF and former.get(name, volume).data is not DataClass.APPEND_PROOF
    }
    if never:
        raise NodeError(
            ErrorCode.FORBIDDEN,
            msg(
                "{app} does not go back: an older state of {volumes} beside the rest loses money",
                app=now.app,
                volumes=", ".join(sorted(never)),
            ),
        )
    same = now.package.package_digest() == then.package.package_digest()
    if not same and way_back(then.package.manifest, now.package.manifest) is Reversible.NO:
        raise NodeError(
            ErrorCode.FORBIDDEN,
            msg(
                "{app} cannot go back from {now} to {then}, as its manifest says",
                app=now.app,
                now=now.package.manifest.version,
                then=then.package.manifest.version,
            ),
        )


def _before_update(record: AppRecord, found: Mapping[str, SnapshotRecord]) -> str | None:
    """Return the name of the snapshot of before the update that brought an app to what it is; None without one."""
    digest = record.package.package_digest()
    names = [
        name for name, each in found.items() if each.kind is SnapshotKind.BEFORE_UPDATE and each.next_package == digest
    ]
    return names[-1] if names else None
