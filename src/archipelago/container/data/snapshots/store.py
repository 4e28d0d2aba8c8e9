"""Takes snapshots of apps that are stopped, brings them back by renames, lists and deletes them."""

import asyncio
import shutil
import time
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from archipelago.container.data.data_classes import RebuildableVolume, RestorableVolume
from archipelago.container.data.kept import read_about, stamped_at
from archipelago.container.data.snapshots.methods import Candidate, CopyMethod, CopyPlan, LeftOut, plan_copies
from archipelago.container.data.snapshots.retention import Aged, expired
from archipelago.container.data.snapshots.room import KeptRoom
from archipelago.container.data.snapshots.swap import MoveAside, TwiceError, VolumePlaces, next_move
from archipelago.container.namespace.client import Namespace
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import SNAPSHOTS, AppFolder, Layout, SnapshotFolder
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.snapshots import SnapshotKind, SnapshotRecord, record_from_json, record_to_json
from archipelago.storage.stores.volume_marks import VolumeMarks
from archipelago.support.private_files import reported, sync_folder, write_atomically
from archipelago.support.texts.text import msg

_SWEPT = ".swept-"
"""How the name of what is on its way out starts."""


@dataclass(frozen=True, slots=True)
class SnapshotOrder:
    """A snapshot that is to be taken."""

    name: str
    """The time, as `stamp` makes it."""
    kind: SnapshotKind
    next_package: str = ""
    together: tuple[str, ...] = ()


class SnapshotStore:
    """Knows the snapshots on the disk. Whoever has one taken or brought back keeps the app stopped meanwhile."""

    def __init__(self, layout: Layout, namespace: Namespace, marks: VolumeMarks) -> None:
        self._layout = layout
        self._namespace = namespace
        self._marks = marks
        self.room = KeptRoom(layout)
        self._log = structlog.get_logger("snapshots")

    # --- before -----------------------------------------------------------------------------------------------------

    async def plan(self, app: str, restorable: Sequence[RestorableVolume]) -> CopyPlan:
        """Return what a snapshot of these volumes of an app would take; all others stay as they are."""
        folder = self._layout.app(app)
        there = await asyncio.to_thread(_children, folder.volumes)
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
        means = await self._means(folder) if candidates else {"clones": False, "free": 0}
        return plan_copies(candidates, (name for name in there if name not in declared), **means)

    async def flush(self, app: str) -> None:
        """Write to the disk what apps have written, so that a copy of a stopped app has little to wait for."""
        await self._namespace.flush(str(self._layout.app(app).volumes))

    # --- taking -----------------------------------------------------------------------------------------------------

    async def take(self, record: AppRecord, order: SnapshotOrder, plan: CopyPlan) -> SnapshotRecord:
        """Take a snapshot of an app that is stopped; one that is there and complete is returned.

        Nothing is left of one that fails or is cancelled. Raises `NodeError`.
        """
        folder = self._layout.app(record.app)
        place = folder.snapshot(order.name)
        if (found := await asyncio.to_thread(read_about, place)) is not None:
            return found
        await self._namespace.remove(str(place.path))
        # Again: the disk may have filled up since the plan, such as by the copies of apps before this one.
        replace(plan, free=await asyncio.to_thread(_free, folder)).require_room(record.app)
        try:
            await asyncio.to_thread(_make, place)
            volumes = {
                name: await self._copy_by(str(folder.volume(name)), str(place.volume(name)), ways)
                for name, ways in plan.methods.items()
            }
            about = _about((record,), order, await self._next_number(record.app), volumes, plan.left_out)
            await asyncio.to_thread(_write, folder, place, record, about)
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
        plan = plan_copies(candidates, (), **await self._means(folder))
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
            await asyncio.to_thread(_make, place)
            for volume, ways in plan.methods.items():
                await self._copy_by(str(origin.volume(volume)), str(place.volume(volume)), ways)
            # Without a number it is the oldest: where it cannot be put back, it takes no place among those to keep.
            await asyncio.to_thread(_copy_rest, origin, place, about.model_copy(update={"number": 0}))
        except BaseException:
            await asyncio.shield(self._namespace.remove(str(place.path)))
            raise

    async def _means(self, folder: AppFolder) -> dict[str, Any]:
        """Return what the disk of an app can do, for `plan_copies`."""
        await asyncio.to_thread(_make_parent, folder)
        free = await asyncio.to_thread(_free, folder)
        return {"clones": await self._namespace.can_clone(str(folder.snapshots)), "free": free}

    async def _next_number(self, app: str) -> int:
        return max((each.number for each in (await self.list(app)).values()), default=0) + 1

    async def _copy_by(self, source: str, target: str, ways: Sequence[CopyMethod]) -> str:
        """Copy a volume by the first method that works, and return it. Raises `NodeError` of the last one."""
        *better, last = ways
        for method in better:
            try:
                await self._namespace.copy(source, target, method)
                return method
            except NodeError as error:
                if error.code is ErrorCode.DISK_FULL:
                    raise
                self._log.info("a volume is copied in another way", volume=source, not_by=method, why=error.message)
                await self._namespace.remove(target)
        await self._namespace.copy(source, target, last)
        return last

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
            await asyncio.to_thread(_make, target)
            there = await asyncio.to_thread(_children, folder.volumes)
            stays = dict.fromkeys({*there, *about.volumes} - may_move, LeftOut.NEVER_RESTORE)
            number = await self._next_number(app)
            made = _about(
                (now, record),
                aside,
                number,
                dict.fromkeys(may_move.intersection(there), ""),
                {**stays, **about.left_out},
            )
            # First: what is moved is whole at any moment, and must not be taken for the remains of a copy.
            await asyncio.to_thread(_write, folder, target, now, made)
        # As it was at first: after a crash the app may have its former record already, which may be less strict.
        may_move -= set(made.left_out)
        try:
            await self._swap(folder, may_move.intersection(about.volumes), may_move, (origin, target))
        except TwiceError as twice:
            raise NodeError(
                ErrorCode.BUSY,
                msg("the volume '{volume}' of {app} was changed while a snapshot came back", volume=twice, app=app),
                hint=msg("what was there before is the snapshot {name}", name=aside.name),
            ) from twice
        await asyncio.to_thread(_restore_secrets, origin, folder)
        await self._mark(app, folder, may_move)
        self._log.info("a snapshot is back", app=app, snapshot=source, was=aside.name)
        return record

    async def _swap(
        self, folder: AppFolder, wanted: Set[str], may_move: Set[str], ends: tuple[SnapshotFolder, SnapshotFolder]
    ) -> None:
        origin, target = ends
        while True:
            places = await asyncio.to_thread(_places, folder, origin, target)
            move = next_move(wanted, places.used - may_move, places)
            if move is None:
                return
            used, volume = folder.volume(move.volume), move.volume
            if isinstance(move, MoveAside):
                await self._namespace.rename(str(used), str(target.volume(volume)))
            else:
                await self._namespace.rename(str(origin.volume(volume)), str(used))

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

    async def _mark(self, app: str, folder: AppFolder, volumes: Collection[str]) -> None:
        """Take what is in the place of these volumes for them: it is another directory than before, or none."""
        found = {name: await self._namespace.look(str(folder.volume(name)), 1, 1, 1) for name in volumes}
        await self._marks.keep(app, {name: each.mark for name, each in found.items() if each is not None})
        await self._marks.forget(app, [name for name, each in found.items() if each is None])

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
            found = {name: read_about(folder.snapshot(name)) for name in _children(folder.snapshots) if name[0] != "."}
            known = {name: each for name, each in found.items() if each is not None}
            return dict(sorted(known.items(), key=lambda pair: (pair[1].number, pair[1].at, pair[0])))

        return await asyncio.to_thread(find)

    async def size(self, app: str, name: str) -> tuple[int, bool]:
        """Return the bytes of a snapshot, those that it shares included, and whether all were counted in time."""
        return await self._namespace.size(str(self._layout.app(app).snapshot(name).path), 5.0)

    async def delete(self, app: str, name: str) -> None:
        """Delete a snapshot, or what is left of one."""
        place = self._layout.app(app).snapshot(name)
        # First: half of a snapshot must not be taken for one.
        await asyncio.to_thread(place.about.unlink, missing_ok=True)
        await self._namespace.remove(str(place.path))

    async def delete_spent(self, app: str, name: str) -> None:
        """Delete a snapshot that has come back itself; volumes of it that had to stay are nowhere else, and stay."""
        place = self._layout.app(app).snapshot(name)
        left = await asyncio.to_thread(_children, place.volumes)
        if not left:
            await self.delete(app, name)
            return
        about = await self.about(app, name)
        volumes = {volume: about.volumes.get(volume, "") for volume in left}
        # Only what is proof of money stays behind: neither retention nor the removal of the app deletes that.
        kept = about.model_copy(update={"funds": True, "volumes": volumes})
        await asyncio.to_thread(_write_about, place, kept)

    async def thin_out(self, app: str) -> None:
        """Delete the snapshots of an app that retention does not keep."""
        found = (await self.list(app)).items()
        for name in expired(Aged(name, each.at, each.kind, each.funds, each.number) for name, each in found):
            await self.delete(app, name)

    async def sweep(self) -> None:
        """Move away what copies left that a crash cut off, which takes a moment. Never raises `NodeError`."""
        for place in await asyncio.to_thread(_cut_off, self._layout):
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


def _about(
    records: Sequence[AppRecord],
    order: SnapshotOrder,
    number: int,
    volumes: Mapping[str, str],
    left_out: Mapping[str, str],
) -> SnapshotRecord:
    """Return what a snapshot is. The first record is that of the app; the others know its data as well."""
    package = records[0].package
    declared = [pair for each in records for pair in each.package.manifest.volumes.items()]
    return SnapshotRecord(
        kind=order.kind,
        at=stamped_at(order.name),
        number=number,
        version=package.manifest.version,
        package=package.package_digest(),
        volumes=volumes,
        left_out={name: str(why) for name, why in left_out.items()},
        funds=any(name in volumes and volume.funds for name, volume in declared),
        next_package=order.next_package,
        together=order.together,
    )


def _free(folder: AppFolder) -> int:
    return shutil.disk_usage(folder.path).free


def _make_parent(folder: AppFolder) -> None:
    folder.snapshots.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.path)


def _make(place: SnapshotFolder) -> None:
    with reported(place.path):
        place.volumes.mkdir(mode=0o700, parents=True, exist_ok=True)
        for directory in (place.path.parent.parent, place.path.parent, place.path):
            sync_folder(directory)


def _write(folder: AppFolder, place: SnapshotFolder, record: AppRecord, about: SnapshotRecord) -> None:
    """Write all but the volumes; what says that the snapshot is complete comes last."""
    _copy_secrets(folder.secrets, place.secrets)
    with reported(place.record):
        write_atomically(place.record, record_to_json(record).encode())
    _write_about(place, about)


def _write_about(place: SnapshotFolder, about: SnapshotRecord) -> None:
    with reported(place.about):
        write_atomically(place.about, f"{about.model_dump_json()}\n".encode())


def _copy_rest(origin: SnapshotFolder, place: SnapshotFolder, about: SnapshotRecord) -> None:
    _copy_secrets(origin.secrets, place.secrets)
    with reported(place.record):
        write_atomically(place.record, origin.record.read_bytes())
    _write_about(place, about)


def _copy_secrets(source: Path, target: Path) -> None:
    with reported(target):
        target.mkdir(mode=0o700, exist_ok=True)
        for path in source.glob("*.age") if source.is_dir() else ():
            write_atomically(target / path.name, path.read_bytes())


def _restore_secrets(origin: SnapshotFolder, folder: AppFolder) -> None:
    """Write the app's own secrets as they were. Logins of other apps are not part of its data, and stay."""
    with reported(folder.secrets):
        for path in origin.secrets.glob("*.age"):
            there = folder.secrets / path.name
            if not path.name.startswith("edge.") or not there.exists():
                folder.secrets.mkdir(mode=0o700, exist_ok=True)
                write_atomically(there, path.read_bytes())


def _cut_off(layout: Layout) -> tuple[Path, ...]:
    """Return the snapshots that are not complete."""
    found = (place for place in layout.apps.glob(f"*/{SNAPSHOTS}/*") if not place.name.startswith("."))
    return tuple(place for place in found if not SnapshotFolder(place).about.exists())


def _places(folder: AppFolder, origin: SnapshotFolder, target: SnapshotFolder) -> VolumePlaces:
    return VolumePlaces(*(frozenset(_children(each.volumes)) for each in (folder, target, origin)))


def _children(directory: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(path.name for path in directory.iterdir()))
    except (FileNotFoundError, NotADirectoryError):
        return ()
