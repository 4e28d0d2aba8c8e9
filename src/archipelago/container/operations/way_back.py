"""What jobs do with the data of apps that are kept down for it: copy it, and put a copy back."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from archipelago.container.data.data_classes import (
    NeverRestoreVolume,
    RestorableVolume,
    app_volumes,
    restorable_volumes,
)
from archipelago.container.data.keeper import DataMissing, VolumeKeeper
from archipelago.container.data.snapshots.methods import CopyPlan
from archipelago.container.data.snapshots.order import SnapshotOrder
from archipelago.container.data.snapshots.store import SnapshotStore
from archipelago.container.dependency_resolver.plan import Request
from archipelago.container.desired.composer import Composer
from archipelago.container.desired.installed_apps import Records
from archipelago.container.manifest.model.data import Reversible
from archipelago.container.manifest.package import AppPackage
from archipelago.container.manifest.way_back import way_back
from archipelago.container.operations.app_secrets import AppSecrets
from archipelago.container.operations.changes.turn import Changes, TurnResult
from archipelago.container.operations.tracker import Tracker
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord, Desired
from archipelago.storage.records.snapshots import SnapshotKind
from archipelago.storage.stores.state import State
from archipelago.support.texts.sizes import size_words
from archipelago.support.texts.text import joined, msg

STOP_MARGIN = 300.0
"""Seconds that an app may need to stop beyond what its manifest grants: Podman may be slow, or stuck."""
_AGAIN = 5.0
"""Seconds until what could not be written down is written again."""
_log = structlog.get_logger("way-back")


class NothingMoved(NodeError):
    """Apps cannot be put back, and nothing of their data was changed."""


@dataclass(frozen=True, slots=True)
class WayBack:
    """Copies and puts back what apps have. An app is suspended while that goes on, and only a job lets it go again.

    A job that the end of the daemon interrupts lets nothing go: the next daemon suspends its apps from the start on.
    """

    store: SnapshotStore
    volumes: VolumeKeeper
    reconciler: Reconciler
    changes: Changes
    composer: Composer
    secrets: AppSecrets
    state: State
    stop_margin: float = STOP_MARGIN

    async def plan(self, record: AppRecord, *others: AppPackage) -> CopyPlan:
        """Return what a copy of an app would take. `others` are packages that have written, or will write, its data.

        Raises `DataMissing` where the data is not there.
        """
        found = self.reconciler.desired.apps.get(record.app)
        if found is not None and (troubles := await self.volumes.troubles(found.workload)):
            raise DataMissing(record.app, troubles)
        manifests = (each.manifest for each in others)
        return await self.store.plan(record.app, restorable_volumes(record, *manifests))

    async def prepare(self, record: AppRecord, *others: AppPackage) -> CopyPlan:
        """Find out what a snapshot of an app takes; see `plan`. Raises `NodeError`: DISK_FULL where it does not fit."""
        plan = await self.plan(record, *others)
        plan.require_room(record.app)
        return plan

    async def suspend(self, apps: Collection[str]) -> None:
        """Have apps stopped, and return once they are; those that need them run on.

        Raises `NodeError` TIMEOUT where one does not stop, even by force.
        """
        self.reconciler.suspend(more=apps)
        try:
            async with asyncio.timeout(self._longest_stop(apps)):
                await self.reconciler.settled(apps)
                await self.reconciler.changed.until(lambda: all(map(self.reconciler.is_down, apps)))
        except TimeoutError as error:
            up = [app for app in apps if not self.reconciler.is_down(app)]
            raise NodeError(
                ErrorCode.TIMEOUT,
                msg("{apps} cannot be stopped", apps=joined(up, ", ")),
                hint=msg("look whether Podman works"),
                data={"apps": up},
            ) from error

    def _longest_stop(self, apps: Collection[str]) -> float:
        found = [each.record.package.manifest for app, each in self.reconciler.desired.apps.items() if app in apps]
        graces = [sum(container.stop.grace for container in each.containers.values()) for each in found]
        return self.stop_margin + max(graces, default=0.0)

    def release(self, apps: Collection[str]) -> None:
        """Let apps run again."""
        self.reconciler.suspend(less=apps)

    async def lay_out(self, tracker: Tracker, record: AppRecord, name: str, plan: CopyPlan) -> None:
        """Start a snapshot of an app that `prepare` has planned, before the app stops for it. Raises `NodeError`."""
        await tracker.begin(copy_step(record.app), copy_words(plan))
        await self.store.lay_out(record, name)
        if plan.methods:
            await self.store.flush(record.app)  # last: what is still to be written is a part of the copy

    async def put_back(
        self, tracker: Tracker, apps: Sequence[str], source: str, aside: SnapshotOrder, new: Collection[str] = ()
    ) -> None:
        """Stop apps, and put them back to their snapshots of one name; `new` are apps that go.

        Their data until now becomes the snapshots `aside`. It may be called again after a crash. Raises `NodeError`:
        `NothingMoved` where nothing was changed.
        """
        records = await self.state.load_apps()
        started = any([await self.store.is_there(app, aside.name) for app in apps])
        try:
            await self.suspend(apps)
            volumes = {app: await self.returning(records[app], source) for app in apps}
            for app in () if started else apps:
                await self.store.require_movable(app, volumes[app], source)
        except NodeError as error:
            if started:
                raise
            raise NothingMoved(error.code, error.message, hint=error.hint, data=error.data) from error
        back: dict[str, AppRecord] = {}
        for app in apps:
            await tracker.begin(back_step(app))
            back[app] = await self.store.bring_back(records[app], source, aside, volumes[app])
            await self.secrets.read_again(app)
            await tracker.finish(back_step(app))

        async def decide(found: Records) -> TurnResult:
            after = {**found, **{app: replace(each, desired=found[app].desired) for app, each in back.items()}}
            plan = await self.composer.plan(after, Request())
            return TurnResult({app: replace(each, choices=plan.choices(app)) for app, each in after.items()}, plan)

        message = f"{', '.join(apps)} put back to the snapshot {source}"
        await self.changes.make(decide, remove=new, tolerant=True, message=message, app=apps[0])

    async def returning(self, now: AppRecord, source: str) -> tuple[RestorableVolume, ...]:
        """Return the volumes of an app that a snapshot may replace. Raises `NodeError`."""
        then = await self.store.record(now, source)
        return restorable_volumes(now, then.package.manifest)

    async def give_up(self, apps: Collection[str], app: str) -> None:
        """Have apps stay down whose data could not be put back whole: nothing may run on the mixture.

        It returns once that is written down; until then they are suspended, also by the next daemon.
        """
        message = f"{', '.join(apps)} stopped, since their data could not be put back"
        while True:
            try:
                await self.changes.desire(apps, Desired.STOPPED, message=message, app=app)
                return
            except NodeError as error:
                _log.error("cannot write down that apps stay stopped", apps=list(apps), error=error.message)
                await asyncio.sleep(_AGAIN)

    async def is_possible(self, records: Records, packages: Mapping[str, AppPackage]) -> bool:
        """Return whether all of the apps that these packages update could go back. Raises `NodeError`."""
        for app in updated(records, packages):
            old, new = records[app].package, packages[app]
            if old.problem or way_back(old.manifest, new.manifest) is Reversible.NO or _never(records[app], new):
                return False
            if not (await self.plan(records[app], new)).leads_back:
                return False
        return True

    async def remarks(self, records: Records, packages: Mapping[str, AppPackage]) -> tuple[str, ...]:
        """Return what the owner should know of the copies before an update, in sentences."""
        said: list[str] = []
        for app in updated(records, packages):
            if way_back(records[app].package.manifest, packages[app].manifest) is Reversible.NO:
                continue  # the plan says that itself, and nothing is copied
            if never := _never(records[app], packages[app]):
                said.append(
                    msg(
                        "there is no way back if the update of {app} fails: no older state of {volumes} may run again, "
                        "as an earlier version said",
                        app=app,
                        volumes=joined(never, ", "),
                    )
                )
                continue
            try:
                plan = await self.plan(records[app], packages[app])
                said += plan.remarks(app)
                plan.require_room(app)
            except NodeError as error:
                said.append(error.message)
        return tuple(said)


@dataclass(frozen=True, slots=True)
class Return:
    """Where apps go back to."""

    snapshot: str
    apps: tuple[str, ...]
    """Those that go back together, the one that was asked for first."""
    at: datetime
    version: str
    consumes: bool
    """Whether the snapshot becomes the data of the app; else a copy of it does, and it stays."""
    undoes_update: bool = False


def _never(record: AppRecord, *others: AppPackage) -> list[str]:
    """Return the volumes of which no older state may run again, whatever the package of now says of them."""
    found = app_volumes(record, *(each.manifest for each in others))
    return [each.name for each in found if isinstance(each, NeverRestoreVolume)]


def updated(records: Records, packages: Mapping[str, AppPackage]) -> tuple[str, ...]:
    """Return the apps that are installed and get another package."""
    return tuple(
        app
        for app, package in packages.items()
        if app in records and records[app].package.package_digest() != package.package_digest()
    )


def require_read(record: AppRecord) -> None:
    """Raise `NodeError` where what must not be lost may be in a part of the manifest that is not read. Pure."""
    if record.package.problem:
        raise NodeError(
            ErrorCode.INVALID_MANIFEST,
            msg(
                "which data of {app} is to be kept is not known: {problem}",
                app=record.app,
                problem=record.package.problem,
            ),
            hint=msg("update {app} first, or remove it without its data", app=record.app),
        )


def before_update(app: str, name: str, package: AppPackage, together: tuple[str, ...]) -> SnapshotOrder:
    """Return the snapshot of an app before it gets a package."""
    return SnapshotOrder(name, SnapshotKind.BEFORE_UPDATE, package.package_digest(), together)


def copy_words(plan: CopyPlan) -> str:
    """Return what takes its time in a copy; nothing where it does not."""
    return msg("{size}, about {seconds} s", size=size_words(plan.bytes), seconds=plan.seconds) if plan.bytes else ""


def copy_step(app: str) -> str:
    """Return the name of the step in which the data of an app is copied."""
    return msg("take a snapshot of {app}", app=app)


def back_step(app: str) -> str:
    """Return the name of the step in which the data of an app goes back."""
    return msg("put {app} back", app=app)
