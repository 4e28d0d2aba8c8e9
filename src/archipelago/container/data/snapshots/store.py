"""Takes snapshots of apps that are stopped, brings them back by renames, lists and deletes them."""

import asyncio
import time
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

import structlog

from archipelago.container.data.data_classes import RebuildableVolume, RestorableVolume, funds_volumes
from archipelago.container.data.kept import read_about
from archipelago.container.data.snapshots.copies import VolumeCopies
from archipelago.container.data.snapshots.exchange import VolumeExchange
from archipelago.container.data.snapshots.files import (
    children,
    copy_rest,
    cut_off,
    free_bytes,
    make_place,
    other_secrets,
    restore_secrets,
    write_about,
    write_rest,
)
from archipelago.container.data.snapshots.methods import Candidate, CopyPlan, LeftOut, as_planned, plan_copies
from archipelago.container.data.snapshots.order import SnapshotOrder, describe_snapshot
from archipelago.container.data.snapshots.retention import Aged, expired
from archipelago.container.data.snapshots.room import KeptRoom
from archipelago.container.data.snapshots.sizes import SnapshotSize, SnapshotSizes, SnapshotUse
from archipelago.container.data.snapshots.swap import TwiceError
from archipelago.container.namespace.client import Namespace
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import SNAPSHOTS, Layout, SnapshotFolder
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.snapshots import SnapshotKind, SnapshotRecord, record_from_json
from archipelago.storage.stores.volume_marks import VolumeMarks
from archipelago.support.private_files import reported
from archipelago.support.texts.text import msg

_SWEPT = ".swept-"
"""How the name of what is on its way out starts."""


class SnapshotStore:
    """Knows the snapshots on the disk. Whoever has one taken or brought back keeps the app stopped meanwhile."""

    def __init__(self, layout: Layout, namespace: Namespace, marks: VolumeMarks) -> None:
        self._layout = layout
        self._namespace = namespace
        self._copies = VolumeCopies(namespace)
        self._exchange = VolumeExchange(namespace, marks)
        self.room = KeptRoom(layout)
        self.sizes = SnapshotSizes(layout, namespace)
        self._log = structlog.get_logger("snapshots")

    # --- before -----------------------------------------------------------------------------------------------------

    async def plan(self, app: str, restorable: Sequence[RestorableVolume]) -> CopyPlan:
        """Return what a snapshot of these volumes of an app would take; all others stay as they are."""
        folder = self._layout.app(app)
        there = await asyncio.to_thread(children, folder.volumes)
        declared = {volume.name: volume for volume in restorable}
        candidates = [
            Candidate(
                name,
                await self._namespace.survey(str(folder.volume(name))),
                rebuildable=isinstance(volume, RebuildableVolume),
            )
            for name, volume in declared.items()
            if name in there
        ]
        means = await self._copies.means(folder) if candidates else {"clones": False, "free": 0}
        return plan_copies(candidates, (name for name in there if name not in declared), **means)

    async def flush(self, app: str) -> None:
        """Write to the disk what apps have written, so that a copy of a stopped app has little to wait for."""
        await self._namespace.flush(str(self._layout.app(app).volumes))

    # --- taking -----------------------------------------------------------------------------------------------------

    async def lay_out(self, record: AppRecord, name: str) -> None:
        """Write all of a snapshot of an app but its volumes, while the app still runs; `take` does the rest.

        One that is there and complete stays as it is. Nobody may change the app between the two. Nothing is left of one
        that fails or is cancelled. Raises `NodeError`.
        """
        folder = self._layout.app(record.app)
        place = folder.snapshot(name)
        if await asyncio.to_thread(read_about, place) is not None:
            return
        await self._namespace.remove(str(place.path))
        try:
            await asyncio.to_thread(make_place, place)
            await asyncio.to_thread(write_rest, folder, place, record)
        except BaseException:
            await asyncio.shield(self._namespace.remove(str(place.path)))
            raise

    async def take(self, record: AppRecord, order: SnapshotOrder, plan: CopyPlan) -> SnapshotRecord:
        """Take a snapshot of an app that is stopped, and for which one of this name was laid out.

        One that is there and complete is returned. Nothing is left of one that fails or is cancelled. Raises
        `NodeError`.
        """
        folder = self._layout.app(record.app)
        place = folder.snapshot(order.name)
        if (found := await asyncio.to_thread(read_about, place)) is not None:
            return found
        try:
            # Again: the disk may have filled up since the plan, such as by the copies of apps before this one.
            replace(plan, free=await asyncio.to_thread(free_bytes, folder)).require_room(record.app)
            methods = plan.methods
            if order.kind is SnapshotKind.SCHEDULED:  # nobody waits for it: an app is not kept down for long
                methods = {name: as_planned(ways) for name, ways in methods.items()}
            volumes = {
                name: await self._copies.copy_by(folder, str(folder.volume(name)), str(place.volume(name)), ways)
                for name, ways in methods.items()
            }
            about = describe_snapshot((record,), order, await self._next_number(record.app), volumes, plan.left_out)
            await asyncio.to_thread(write_about, place, about)
        except BaseException:
            await asyncio.shield(self._namespace.remove(str(place.path)))
            raise
        self._log.info("a snapshot is taken", app=record.app, snapshot=order.name, volumes=volumes)
        return about

    async def plan_clone(self, app: str, source: str) -> CopyPlan:
        """Return what a copy of a snapshot would take. Raises `NodeError`."""
        folder, about = self._layout.app(app), await self.about(app, source)
        origin = folder.snapshot(source)
        surveys = {name: await self._namespace.survey(str(origin.volume(name))) for name in about.volumes}
        candidates = [Candidate(name, survey) for name, survey in surveys.items()]
        plan = plan_copies(candidates, (), **await self._copies.means(folder))
        plan.require_whole(app)
        return plan

    async def clone(self, app: str, source: str, name: str) -> None:
        """Copy a snapshot, so that the copy can be brought back and the snapshot stays. Raises `NodeError`."""
        folder, about = self._layout.app(app), await self.about(app, source)
        place, origin = folder.snapshot(name), folder.snapshot(source)
        if await asyncio.to_thread(read_about, place) is not None:
            return
        await self._namespace.remove(str(place.path))
        plan = await self.plan_clone(app, source)
        plan.require_room(app)
        try:
            await asyncio.to_thread(make_place, place)
            for volume, ways in plan.methods.items():
                await self._copies.copy_by(folder, str(origin.volume(volume)), str(place.volume(volume)), ways)
            # Without a number it is the oldest: where it cannot be put back, it takes no place among those to keep.
            await asyncio.to_thread(copy_rest, origin, place, about.model_copy(update={"number": 0}))
        except BaseException:
            await asyncio.shield(self._namespace.remove(str(place.path)))
            raise

    async def _next_number(self, app: str) -> int:
        return max((each.number for each in (await self.list(app)).values()), default=0) + 1

    # --- bringing back ----------------------------------------------------------------------------------------------

    async def bring_back(
        self, now: AppRecord, source: str, aside: SnapshotOrder, restorable: Sequence[RestorableVolume]
    ) -> AppRecord:
        """Put volumes and secrets of a snapshot in the place of those in use, and return the record to restore.

        Only the `restorable` volumes change; what was in use of them becomes the snapshot `aside`. These are renames:
        it takes a moment, and after a crash it is called again, and goes on. The folder of `source` stays, without the
        volumes. Raises `NodeError`.
        """
        app, folder, about = now.app, self._layout.app(now.app), await self.about(now.app, source)
        origin, target = folder.snapshot(source), folder.snapshot(aside.name)
        record = await self._record(origin, now)
        may_move = {volume.name for volume in restorable} - set(about.left_out)
        made = await asyncio.to_thread(read_about, target)
        if made is None:
            await self.require_movable(app, restorable, source)
            await asyncio.to_thread(make_place, target)
            there = await asyncio.to_thread(children, folder.volumes)
            stays = dict.fromkeys({*there, *about.volumes} - may_move, LeftOut.NEVER_RESTORE)
            number = await self._next_number(app)
            made = describe_snapshot(
                (now, record),
                aside,
                number,
                dict.fromkeys(may_move.intersection(there), ""),
                {**stays, **about.left_out},
            )
            # First: what is moved is whole at any moment, and must not be taken for the remains of a copy.
            await asyncio.to_thread(write_rest, folder, target, now)
            await asyncio.to_thread(write_about, target, made)
        # As it was at first: after a crash the app may have its former record already, which may be less strict.
        may_move -= set(made.left_out)
        try:
            await self._exchange.swap(folder, may_move.intersection(about.volumes), may_move, (origin, target))
        except TwiceError as twice:
            raise NodeError(
                ErrorCode.BUSY,
                msg("the volume '{volume}' of {app} was changed while a snapshot came back", volume=twice, app=app),
                hint=msg("what was there before is the snapshot {name}", name=aside.name),
            ) from twice
        keys = await self._keys_that_stay(now, record, may_move)
        await asyncio.to_thread(lambda: restore_secrets(origin, folder, replace=not keys))
        await self._exchange.mark(app, folder, may_move)
        self.sizes.forget(app, source, aside.name)
        self._log.info("a snapshot is back", app=app, snapshot=source, was=aside.name)
        return record

    async def require_movable(self, app: str, restorable: Sequence[RestorableVolume], source: str) -> None:
        """Raise `NodeError` where a volume cannot be renamed, since it is a disk or has one in it; nothing is changed.

        `source` is the snapshot that is to come back: what it left out stays where it is.
        """
        folder, left_out = self._layout.app(app), (await self.about(app, source)).left_out
        names = [each.name for each in restorable if each.name not in left_out]
        for place in (each.volume(name) for each in (folder, folder.snapshot(source)) for name in names):
            if mounts := await self._namespace.mounts(str(place)):
                raise NodeError(
                    ErrorCode.STILL_NEEDED,
                    msg(
                        "the volume '{name}' of {app} cannot be moved aside, since a disk is mounted at {path}",
                        name=place.name,
                        app=app,
                        path=mounts[0],
                    ),
                    hint=msg("stop {app}, unmount that, and copy its files into the volume; then try again", app=app),
                    data={"app": app, "volume": place.name, "mounts": list(mounts)},
                )

    async def keys_without_secrets(
        self, now: AppRecord, source: str, restorable: Sequence[RestorableVolume]
    ) -> tuple[str, ...]:
        """Return the volumes with keys to money that would stay, and with them other secrets than the snapshot has."""
        folder, about = self._layout.app(now.app), await self.about(now.app, source)
        record, may_move = await self.record(now, source), {each.name for each in restorable} - set(about.left_out)
        keys = await self._keys_that_stay(now, record, may_move)
        return keys if keys and await asyncio.to_thread(other_secrets, folder.snapshot(source), folder) else ()

    async def _keys_that_stay(self, now: AppRecord, then: AppRecord, may_move: Set[str]) -> tuple[str, ...]:
        """Return the volumes with keys to money that stay as they are: secrets open them, so these stay as well."""
        there = await asyncio.to_thread(children, self._layout.app(now.app).volumes)
        stay = set(there).difference(may_move)
        return tuple(name for name in funds_volumes(now, then.package.manifest) if name in stay)

    async def is_there(self, app: str, name: str) -> bool:
        """Return whether there is a complete snapshot of a name. Raises `NodeError`."""
        return await asyncio.to_thread(read_about, self._layout.app(app).snapshot(name)) is not None

    async def record(self, now: AppRecord, name: str) -> AppRecord:
        """Return the record that comes back with a snapshot. Raises `NodeError`."""
        await self.about(now.app, name)
        return await self._record(self._layout.app(now.app).snapshot(name), now)

    async def _record(self, place: SnapshotFolder, now: AppRecord) -> AppRecord:
        try:
            return record_from_json(await asyncio.to_thread(place.record.read_text), now)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise NodeError(
                ErrorCode.INTERNAL,
                msg("{path} cannot be read: {error}", path=place.record, error=error),
                hint=msg("restore another snapshot"),
            ) from error

    # --- all of them ------------------------------------------------------------------------------------------------

    async def about(self, app: str, name: str) -> SnapshotRecord:
        """Return what a snapshot is. Raises `NodeError` where there is none of that name, or it is not complete."""
        found = await asyncio.to_thread(read_about, self._layout.app(app).snapshot(name))
        if found is None:
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("{app} has no snapshot {name}", app=app, name=f"{name!r}"),
                hint=msg("'archipelago snapshot list {app}' shows them", app=app),
            )
        return found

    async def list(self, app: str) -> Mapping[str, SnapshotRecord]:
        """Return the complete snapshots of an app by name, the oldest first."""
        folder = self._layout.app(app)

        def find() -> dict[str, SnapshotRecord]:
            names = (name for name in children(folder.snapshots) if name[0] != ".")
            found = {name: self._readable(folder.snapshot(name)) for name in names}
            known = {name: each for name, each in found.items() if each is not None}
            return dict(sorted(known.items(), key=lambda pair: (pair[1].number, pair[1].at, pair[0])))

        return await asyncio.to_thread(find)

    def _readable(self, place: SnapshotFolder) -> SnapshotRecord | None:
        try:
            return read_about(place)
        except NodeError as error:
            self._log.warning("a snapshot cannot be read, and is left alone", path=str(place.path), error=str(error))
            return None

    async def use(self, app: str, seconds: float) -> SnapshotUse:
        """Return what all snapshots of an app take, counted slowly in so many seconds. Raises `NodeError`."""
        names = await self.list(app)
        sizes = (await self.sizes.of(app, names, seconds, gentle=True)).values()
        size = SnapshotSize(sum(each.bytes for each in sizes), all(each.complete for each in sizes))
        folder = self._layout.app(app).snapshots
        return SnapshotUse(size, bool(names) and await self._namespace.can_clone(str(folder)))

    async def delete(self, app: str, name: str) -> None:
        """Delete a snapshot, or what is left of one. Raises `NodeError`."""
        place = self._layout.app(app).snapshot(name)
        self.sizes.forget(app, name)
        # First: half of a snapshot must not be taken for one.
        with reported(place.about):
            await asyncio.to_thread(place.about.unlink, missing_ok=True)
        await self._namespace.remove(str(place.path))

    async def delete_spent(self, app: str, name: str) -> None:
        """Delete a snapshot that has come back itself; what of it had to stay is nowhere else, and stays.

        No copy of funds is lost: the volumes of the snapshot are in use again, by renames, and what was in use until
        then is a snapshot of its own, which only its owner deletes. A snapshot in which a volume or a secret stayed
        counts as moved aside from then on, so neither a later update nor the removal of the app takes it.
        """
        folder = self._layout.app(app)
        place = folder.snapshot(name)
        left = await asyncio.to_thread(children, place.volumes)
        if not left and not await asyncio.to_thread(other_secrets, place, folder):
            await self.delete(app, name)
            return
        about = await self.about(app, name)
        volumes = {volume: about.volumes.get(volume, "") for volume in left}
        # What comes from a backup is there as well.
        kind = SnapshotKind.BEFORE_RESTORE if about.kind is SnapshotKind.BEFORE_UPDATE else about.kind
        # Only what is proof of money stays behind.
        kept = about.model_copy(update={"funds": True, "volumes": volumes, "kind": kind})
        await asyncio.to_thread(write_about, place, kept)

    async def thin_out(self, app: str) -> None:
        """Delete the snapshots of an app that retention does not keep."""
        found = (await self.list(app)).items()
        for name in expired(Aged(name, each.at, each.kind, each.number) for name, each in found):
            await self.delete(app, name)

    async def sweep(self) -> None:
        """Move away what copies left that a crash cut off, which takes a moment. Never raises `NodeError`."""
        for place in await asyncio.to_thread(cut_off, self._layout):
            try:
                await self._namespace.rename(str(place), str(place.with_name(f"{_SWEPT}{place.name}.{time.time_ns()}")))
            except NodeError as error:
                self._log.warning("the rest of a snapshot is not moved away", path=str(place), error=str(error))

    async def delete_swept(self) -> None:
        """Delete what `sweep` has moved away, which may take long. Never raises `NodeError`."""
        for place in await asyncio.to_thread(lambda: tuple(self._layout.apps.glob(f"*/{SNAPSHOTS}/{_SWEPT}*"))):
            try:
                await self._namespace.remove(str(place))
            except NodeError as error:
                self._log.warning("the rest of a snapshot is not deleted", path=str(place), error=str(error))
