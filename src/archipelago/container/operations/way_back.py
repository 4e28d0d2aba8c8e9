"""What jobs do with the data of apps that are kept down for it: copy it, and put a copy back."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from archipelago.container.data.data_classes import restorable_volumes
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
from archipelago.container.operations.operations import Tracker
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord, Desired
from archipelago.storage.records.snapshots import SnapshotKind
from archipelago.storage.stores.state import State
from archipelago.support.texts.sizes import size_words
from archipelago.support.texts.text import msg

_AGAIN = 5.0
"""Seconds until what could not be written down is written again."""
_log = structlog.get_logger("way-back")


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

    async def plan(self, record: AppRecord, *others: AppPackage) -> CopyPlan:
        """Return what a copy of an app would take. `others` are packages that have written, or will write, its data.

        Raises `DataMissing` where the data is not there.
        """
        found = self.reconciler.desired.apps.get(record.app)
        if found is not None and (troubles := await self.volumes.troubles(found.workload)):
            raise DataMissing(record.app, troubles)
        manifests = (each.manifest for each in others)
        return await self.store.plan(record.app, restorable_volumes(record.package.manifest, *manifests))

    async def prepare(self, record: AppRecord, *others: AppPackage) -> CopyPlan:
        """Do what takes its time, before an app stops for its snapshot; see `plan`. Raises `NodeError`.

        It raises DISK_FULL where the copy does not fit.
        """
        plan = await self.plan(record, *others)
        plan.require_room(record.app)
        if plan.methods:
            await self.store.flush(record.app)
        return plan

    async def suspend(self, apps: Collection[str]) -> None:
        """Have apps stopped, and return once they are; those that need them run on."""
        self.reconciler.suspend(more=apps)
        await self.reconciler.settled(apps)
        await self.reconciler.changed.until(lambda: all(map(self.reconciler.is_down, apps)))

    def release(self, apps: Collection[str]) -> None:
        """Let apps run again."""
        self.reconciler.suspend(less=apps)

    async def take(self, tracker: Tracker, record: AppRecord, order: SnapshotOrder, plan: CopyPlan) -> None:
        """Take a snapshot of an app that is suspended, as `prepare` has planned it. Raises `NodeError`."""
        step = copy_step(record.app)
        await tracker.begin(step, copy_words(plan))
        await self.store.take(record, order, plan)
        await tracker.finish(step)

    async def put_back(
        self, tracker: Tracker, apps: Sequence[str], source: str, aside: SnapshotOrder, new: Collection[str] = ()
    ) -> None:
        """Put apps, which are suspended, back to their snapshots of one name; `new` are apps that go.

        Their data until now becomes the snapshots `aside`. It may be called again after a crash. Raises `NodeError`.
        """
        records = await self.state.load_apps()
        back: dict[str, AppRecord] = {}
        for app in apps:
            await tracker.begin(back_step(app))
            now, then = records[app], await self.store.record(records[app], source)
            volumes = restorable_volumes(now.package.manifest, then.package.manifest)
            back[app] = await self.store.bring_back(now, source, aside, volumes)
            await self.secrets.read_again(app)
            await tracker.finish(back_step(app))

        async def decide(found: Records) -> TurnResult:
            after = {**found, **{app: replace(each, desired=found[app].desired) for app, each in back.items()}}
            plan = await self.composer.plan(after, Request())
            return TurnResult({app: replace(each, choices=plan.choices(app)) for app, each in after.items()}, plan)

        message = f"{', '.join(apps)} put back to the snapshot {source}"
        await self.changes.make(decide, remove=new, tolerant=True, message=message, app=apps[0])

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
            if old.problem or way_back(old.manifest, new.manifest) is Reversible.NO:
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
