"""The parts of the node that jobs work with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from archipelago.catalog.source import CatalogSource
from archipelago.container.data.keeper import VolumeKeeper
from archipelago.container.data.snapshots.store import SnapshotStore
from archipelago.container.data.volumes import AppData
from archipelago.container.desired.composer import Composer
from archipelago.container.images.inventory import ImageInventory
from archipelago.container.images.pruner import ImagePruner
from archipelago.container.images.store import ImageStore
from archipelago.container.operations.app_secrets import AppSecrets
from archipelago.container.operations.backup_work import BackupWork
from archipelago.container.operations.changes.starts import Starts
from archipelago.container.operations.changes.turn import Changes
from archipelago.container.operations.image_fetcher import ImageFetcher
from archipelago.container.operations.opener import JobOpener
from archipelago.container.operations.readiness.waiting import Readiness
from archipelago.container.operations.repairs import Repairs
from archipelago.container.operations.trial.trial_runs import TrialRuns
from archipelago.container.operations.way_back import WayBack
from archipelago.container.proposals.disk_rules import DiskRules
from archipelago.container.proposals.downgrades import Downgrades
from archipelago.container.proposals.planner import Planner
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.storage.stores.revisions import RevisionStore
from archipelago.storage.stores.state import State


@dataclass(frozen=True, slots=True)
class JobParts:
    """Given to each job; a job uses those that it needs."""

    state: State
    catalog: CatalogSource
    composer: Composer
    reconciler: Reconciler
    planner: Planner
    changes: Changes
    fetcher: ImageFetcher
    inventory: ImageInventory
    pruner: ImagePruner
    data: AppData
    secrets: AppSecrets
    repairs: Repairs
    readiness: Readiness
    starts: Starts
    revisions: RevisionStore
    downgrades: Downgrades
    require_room: Callable[[], None]
    """Raises `NodeError` where the disk is too full for a new app."""
    way_back: WayBack
    backups: BackupWork
    trials: TrialRuns
    soak: float
    """Seconds for which a new version must run without a crash."""
    opener: JobOpener | None = None
    """Opens operations for a job about the whole node; the runner gives it to each job."""

    @classmethod
    def of(
        cls,
        state: State,
        catalog: CatalogSource,
        composer: Composer,
        reconciler: Reconciler,
        *,
        images: ImageStore,
        inventory: ImageInventory,
        pruner: ImagePruner,
        data: AppData,
        secrets: AppSecrets,
        disk_rules: DiskRules,
        repairs: Repairs,
        revisions: RevisionStore,
        snapshots: SnapshotStore,
        volumes: VolumeKeeper,
        backups: BackupWork,
        trials: TrialRuns,
        soak: float,
        require_room: Callable[[], None] = lambda: None,
    ) -> Self:
        """Return all parts, given those that others use as well."""
        planner = Planner(state, catalog, composer, disk_rules, lambda: reconciler.desired)
        readiness = Readiness(reconciler)
        changes = Changes(state, composer, reconciler, planner)
        return cls(
            state=state,
            catalog=catalog,
            composer=composer,
            reconciler=reconciler,
            planner=planner,
            changes=changes,
            fetcher=ImageFetcher(images, inventory),
            inventory=inventory,
            pruner=pruner,
            data=data,
            secrets=secrets,
            repairs=repairs,
            readiness=readiness,
            starts=Starts(reconciler, readiness, repairs),
            revisions=revisions,
            downgrades=Downgrades(state, revisions),
            require_room=require_room,
            way_back=WayBack(snapshots, volumes, reconciler, changes, composer, secrets, state),
            backups=backups,
            trials=trials,
            soak=soak,
        )
