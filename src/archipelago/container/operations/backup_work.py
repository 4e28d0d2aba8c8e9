"""What jobs and the schedule do with backups: reach a target, and say what of an app goes there."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archipelago.api.backups import VolumeWay
from archipelago.backups.contents import BackedUpVolume, Names, Recipe, left_out, sources
from archipelago.backups.restic.launch import Launch
from archipelago.backups.targets import TargetRecord, TargetStore
from archipelago.container.data.data_classes import AppendProofVolume, app_volumes
from archipelago.container.data.keeper import DataMissing, VolumeKeeper
from archipelago.container.manifest.loader import readable_part
from archipelago.container.manifest.model.data import SqliteDatabase
from archipelago.container.manifest.package import AppPackage
from archipelago.container.namespace.client import Namespace
from archipelago.container.proposals.disk_rules import rendered_paths
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.container.workload.workload import Workload
from archipelago.security.secrets.manager import SecretsManager
from archipelago.storage.layout import Layout
from archipelago.storage.records.apps import AppRecord, Desired
from archipelago.storage.records.volumes import Mark, StrictestClass
from archipelago.support.presence import is_there

if TYPE_CHECKING:  # a node without backups does without these
    from archipelago.backups.drill import Drill
    from archipelago.backups.maker import BackupMaker
    from archipelago.backups.reader import BackupReader
    from archipelago.backups.remote.remote_proofs import RemoteProofs
    from archipelago.backups.remote.rest_objects import RestPlace
    from archipelago.backups.repository import Repository
    from archipelago.container.operations.backup_tools import BackupTools
    from archipelago.container.operations.dump_loads import DumpLoads


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """What a removal, an update and a restore change of an app."""

    installed_at: float
    package: str
    """Digest of its package."""
    marks: Mapping[str, Mark | None]
    """Which directories its volumes are."""


@dataclass(frozen=True, slots=True)
class BackupWork:
    """Knows targets, and makes and reads backups. Raises `NodeError`."""

    targets: TargetStore
    tools: Callable[[], "BackupTools"]
    """Makes them when they are first asked for."""
    launch: Launch
    secrets: SecretsManager
    layout: Layout
    namespace: Namespace
    reconciler: Reconciler
    volumes: VolumeKeeper
    renderer: Renderer

    written: list[Callable[[str], None]] = field(default_factory=list)
    """Each receives every app of which a backup was written."""
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)
    seen: dict[str, bytes] = field(default_factory=dict)
    """Repository -> its file `config`, once restic has said that it is the right one."""
    rest_places: dict[str, "RestPlace"] = field(default_factory=dict)
    """By repository."""

    @property
    def maker(self) -> "BackupMaker":
        """What makes backups."""
        return self.tools().maker

    @property
    def reader(self) -> "BackupReader":
        """What reads backups."""
        return self.tools().reader

    @property
    def drill(self) -> "Drill":
        """What restores backups for a trial."""
        return self.tools().drill

    @property
    def loads(self) -> "DumpLoads":
        """What loads dumps into databases."""
        return self.tools().loads

    def turn(self, target: str) -> asyncio.Lock:
        """Return what is taken by who works on a repository: some of restic's work must be alone there."""
        return self._turns.setdefault(target, asyncio.Lock())

    async def repository(self, record: TargetRecord) -> "Repository":
        """Return the repository of a target."""
        from archipelago.container.operations.target_access import open_repository  # with all kinds of targets

        return await open_repository(self, record)

    async def remote_proofs(self, record: TargetRecord) -> "RemoteProofs":
        """Return the copies of streamed files at a target that is no folder."""
        from archipelago.container.operations.target_access import remote_proofs  # with all kinds of targets

        return await remote_proofs(self, record)

    async def recipe(self, record: AppRecord) -> Recipe:
        """Return what a backup of an app is made of. Raises `DataMissing` where its data is not there."""
        app = self.reconciler.desired.apps.get(record.app)
        if app is not None and (troubles := await self.volumes.troubles(app.workload)):
            raise DataMissing(record.app, troubles)
        volumes = app_volumes(record)
        folder = self.layout.app(record.app)
        there = {
            each.volume.name: each
            for each in sources(volumes)
            if await asyncio.to_thread(is_there, folder.volume(each.volume.name))
        }
        databases = {
            name: await asyncio.to_thread(self._databases, record, each.volume)
            for name, each in there.items()
            if each.way is VolumeWay.SQLITE
        }
        return Recipe(record, tuple(there.values()), databases, left_out(volumes), datetime.now(UTC))

    def workload(self, app: str) -> Workload | None:
        """Return an app as it is compiled now; None where it cannot be."""
        found = self.reconciler.desired.apps.get(app)
        return None if found is None else found.workload

    async def identity(self, record: AppRecord) -> AppIdentity:
        """Return what stays the same of an app while it is only used."""
        folder = self.layout.app(record.app)
        found = {
            each.name: await self.namespace.look(str(folder.volume(each.name)), 1, 1, 1) for each in app_volumes(record)
        }
        marks = {name: None if each is None else each.mark for name, each in found.items()}
        return AppIdentity(record.installed_at, record.package.package_digest(), marks)

    def _databases(self, record: AppRecord, volume: BackedUpVolume) -> tuple[Names, ...]:
        """Return the databases of a volume, in the part of it that is in use."""
        declared = volume.declared.database
        assert isinstance(declared, SqliteDatabase), "backed up so"
        planned = self.reconciler.desired.plan.planned(record.app)
        options = planned.options if planned is not None else {}
        found = self.reconciler.desired.apps[record.app].workload.parts
        part = (found[volume.name],) if volume.name in found else ()
        where = f"volumes.{volume.name}.database.paths"
        paths = rendered_paths(record.package.manifest, where, declared.paths, options, self.renderer)
        return tuple((*part, *names) for names in paths)

    @staticmethod
    def stub(app: str, slot: int, strictest: Mapping[str, StrictestClass]) -> AppRecord:
        """Return what stands for an app that is about to be installed from a backup."""
        package, now = AppPackage(readable_part("", app), ""), time.time()
        return AppRecord(app, package, Desired.RUNNING, slot, installed_at=now, strictest=strictest)

    async def make_volumes_folder(self, app: str) -> None:
        """Make the folder of the volumes of an app that has none."""
        await asyncio.to_thread(self.layout.app(app).volumes.mkdir, 0o700, parents=True, exist_ok=True)

    async def bring_where_missing(self, app: str, snapshot: str, proofs: Sequence[AppendProofVolume]) -> None:
        """Bring back claims to money where there are none: an older copy replaces nothing."""
        folder = self.layout.app(app)
        place = folder.snapshot(snapshot)
        for each in proofs:
            used, found = folder.volume(each.name), place.volume(each.name)
            if await asyncio.to_thread(is_there, found) and not await asyncio.to_thread(is_there, used):
                await self.namespace.rename(str(found), str(used))
