"""Sees to it that an app runs with its own volumes, or not at all."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath

import structlog

from archipelago.api.data import LostVolume
from archipelago.api.system import Finding, Severity
from archipelago.container.data.channel_lease import ContestedState
from archipelago.container.data.identity import Trouble, VolumeVerdict, judge
from archipelago.container.manifest.model.scalars import IDS_PER_APP
from archipelago.container.namespace.client import Namespace
from archipelago.container.namespace.found import Found
from archipelago.container.namespace.owned_paths import (
    DirectoryRequest,
    DivisionRequest,
    OwnedPath,
    PassageRequest,
    VolumeRequest,
)
from archipelago.container.workload.workload import VolumeDirectory, Workload
from archipelago.errors import DISK_REMEDY, ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.stores.volume_marks import VolumeMarks
from archipelago.support.texts.text import joined, msg

Hold = Callable[[Workload, AppRecord], Awaitable[None]]


class DataMissing(NodeError):
    """The volumes of an app are not those that it had; nothing was changed."""

    def __init__(self, app: str, troubles: Sequence[Trouble | ContestedState]) -> None:
        remedies = dict.fromkeys(trouble.remedy(app) for trouble in troubles)
        super().__init__(
            ErrorCode.DATA_MISSING,
            joined([trouble.what for trouble in troubles], "; "),
            hint=joined(list(remedies), "; "),
            data={"app": app, "volumes": [trouble.volume for trouble in troubles]},
        )


class VolumeKeeper:
    """Makes the volumes of apps, and notices when they are not there any more."""

    def __init__(self, namespace: Namespace, marks: VolumeMarks, hold: Hold | None = None) -> None:
        """`hold` sees to it that an app runs only on states of which this node has the lease; see `lease_keeper`."""
        self._namespace = namespace
        self._marks = marks
        self._hold = hold
        self._log = structlog.get_logger("volumes")

    async def ensure(self, workload: Workload) -> None:
        """Make sure of the volumes of an app that is about to start.

        Raises `DataMissing` where one that was there is not, or belongs to others.
        """
        known = await self._marks.of(workload.app)
        seen = await self._look(workload)
        verdicts = {name: judge(known.get(name), found) for name, found in seen.items()}
        if troubles := _troubles(workload, verdicts, seen):
            raise DataMissing(workload.app, troubles)
        await self._namespace.make(tuple(volume_directories(workload)))
        marks = {name: found.mark for name, found in (await self._look(workload)).items() if found is not None}
        changed = {name: mark for name, mark in marks.items() if known.get(name) != mark}
        if not changed:
            return
        for name in (name for name in changed if verdicts[name] is VolumeVerdict.MOVED):
            self._log.warning("a volume is another directory now", app=workload.app, volume=name)
        # After the directory: should the node be killed in between, what is there is taken for new and kept.
        await self._marks.keep(workload.app, changed)

    async def hold(self, workload: Workload, record: AppRecord) -> None:
        """Claim the states of an app whose first process is about to start. Raises `DataMissing` where it must not."""
        if self._hold is not None:
            await self._hold(workload, record)

    async def adopt(self, workloads: Iterable[Workload]) -> None:
        """Remember the volumes of installed apps that an earlier version of the node made, and did not remember.

        What is empty is left alone: it may be the place of a disk that is not mounted. Never raises `NodeError`.
        """
        for workload in workloads:
            try:
                known = await self._marks.of(workload.app)
                if all(_name(volume) in known for volume in workload.volumes):
                    continue
                seen = await self._look(workload)
                unknown = {name: found for name, found in seen.items() if name not in known and found is not None}
                marks = {
                    name: found.mark for name, found in unknown.items() if not found.empty and judge(None, found).usable
                }
                await self._marks.keep(workload.app, marks)
            except NodeError as error:
                self._log.warning("volumes are not looked at", app=workload.app, error=error.message)

    async def troubles(self, workload: Workload) -> tuple[Trouble, ...]:
        """Return why an app cannot run with its volumes as they are now; nothing is changed."""
        known = await self._marks.of(workload.app)
        seen = await self._look(workload)
        return _troubles(workload, {name: judge(known.get(name), found) for name, found in seen.items()}, seen)

    async def disk_problem(self, workload: Workload) -> str:
        """Return what is wrong with the disks of an app that runs, in words for the owner; empty where nothing is."""
        if troubles := await self.troubles(workload):
            return joined([trouble.what for trouble in troubles], "; ")
        read_only = [volume.path for volume in workload.volumes if await self._is_read_only(volume)]
        return msg("its disk can only be read: {read_only}", read_only=", ".join(read_only)) if read_only else ""

    async def findings(self, workloads: Iterable[Workload]) -> tuple[Finding, ...]:
        """Return what the doctor says about the volumes of installed apps."""
        found: list[Finding] = []
        for workload in workloads:
            try:
                found += await self._findings(workload)
            except NodeError as error:
                found.append(_finding(error.message, msg("{app} does not start", app=workload.app), error.hint))
        return tuple(found)

    async def _findings(self, workload: Workload) -> list[Finding]:
        app = workload.app
        found = [
            _finding(trouble.what, msg("{app} does not start", app=app), trouble.remedy(app))
            for trouble in await self.troubles(workload)
        ]
        for volume in workload.volumes:
            if await self._is_read_only(volume):
                what = msg(
                    "the disk of the volume '{name}' of {app} can only be read: {path}",
                    name=_name(volume),
                    app=app,
                    path=volume.path,
                )
                found.append(_finding(what, msg("the app cannot write its data"), DISK_REMEDY))
        return found

    async def _is_read_only(self, volume: VolumeDirectory) -> bool:
        found = await self._look_at(volume)
        return found is not None and found.read_only

    async def report(self, workload: Workload) -> tuple[LostVolume, ...]:
        """Return the same in words for the owner."""
        return tuple(
            LostVolume(
                volume=trouble.volume,
                lost=trouble.verdict.lost,
                what=trouble.what,
                remedy=trouble.remedy(workload.app),
            )
            for trouble in await self.troubles(workload)
        )

    async def start_empty(self, workload: Workload, volumes: tuple[str, ...]) -> None:
        """Have volumes that are lost be created again at the next start.

        `volumes` are those that the owner gives up: raises `NodeError` where others are lost by now.
        """
        lost = tuple(trouble.volume for trouble in await self.troubles(workload) if trouble.verdict.lost)
        if set(lost) != set(volumes) or not lost:
            named = ", ".join(lost) or "none"
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg(
                    "the lost volumes of {app} are not the ones that were named: {named}", app=workload.app, named=named
                ),
                hint=msg("look at 'archipelago status {app}', and try again", app=workload.app),
                data={"app": workload.app, "volumes": list(lost)},
            )
        await self._marks.forget(workload.app, lost)

    async def _look(self, workload: Workload) -> dict[str, Found | None]:
        found = await asyncio.gather(*map(self._look_at, workload.volumes))
        return dict(zip(map(_name, workload.volumes), found, strict=True))

    async def _look_at(self, volume: VolumeDirectory) -> Found | None:
        divided = volume.part is not None
        return await self._namespace.look(volume.path, volume.uid, volume.gid, IDS_PER_APP, divided=divided)


def volume_directories(workload: Workload) -> Iterator[OwnedPath]:
    """Yield what is made for the volumes of an app, outer directories first."""
    for passage in workload.passages:
        yield PassageRequest(passage.path, passage.gid)
    for volume in workload.volumes:
        if volume.part is not None:
            yield DivisionRequest(volume.path, volume.part, workload.passages[0].gid)
            yield DirectoryRequest(volume.used, volume.uid, volume.gid)  # a subvolume would be missing in a snapshot
        else:
            yield VolumeRequest(volume.used, volume.uid, volume.gid)


def _finding(what: str, why: str, mend: str) -> Finding:
    return Finding(check="data", severity=Severity.ERROR, what=what, why=why, mend=mend)


def _name(volume: VolumeDirectory) -> str:
    return PurePath(volume.path).name


def _troubles(
    workload: Workload, verdicts: Mapping[str, VolumeVerdict], seen: Mapping[str, Found | None]
) -> tuple[Trouble, ...]:
    troubles = []
    for volume in workload.volumes:
        name = _name(volume)
        found, verdict = seen[name], verdicts[name]
        if not verdict.usable:
            troubles.append(Trouble(name, volume.path, verdict, found.chown if found is not None else ""))
    return tuple(troubles)
