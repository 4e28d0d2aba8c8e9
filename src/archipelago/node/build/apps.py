"""The third layer of a node: what keeps apps, and what changes them."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from archipelago.api.health import Health
from archipelago.backups.restic.launch import launch
from archipelago.backups.targets import TargetStore
from archipelago.catalog.local import LocalCatalog
from archipelago.container.data.disk_use import DiskUse
from archipelago.container.data.keeper import VolumeKeeper
from archipelago.container.data.snapshots.store import SnapshotStore
from archipelago.container.data.volumes import AppData
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.desired.composer import Composer
from archipelago.container.desired.initial_downloads import InitialDownloads
from archipelago.container.desired.state import DesiredApp
from archipelago.container.images.inventory import ImageInventory
from archipelago.container.images.pruner import ImagePruner
from archipelago.container.images.recipe import (
    DEFAULT_INDEX,
    DEFAULT_MIRROR,
    DEFAULT_MODULE_PROXY,
    DEFAULT_NPM_REGISTRY,
    DEFAULT_SECURITY_MIRROR,
    BuildTools,
)
from archipelago.container.images.store import ImageStore, find_uv
from archipelago.container.operations.app_secrets import AppSecrets
from archipelago.container.operations.automatic.choice import AutomaticUpdateChoice
from archipelago.container.operations.backup_work import BackupWork
from archipelago.container.operations.data import DataService
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.limits import AppLimits
from archipelago.container.operations.operations import Operations
from archipelago.container.operations.registry import find_kinds
from archipelago.container.operations.repairs import Repairs
from archipelago.container.operations.runner import JobRunner
from archipelago.container.operations.snapshot_schedules import SnapshotSchedules
from archipelago.container.operations.streams import Streams
from archipelago.container.operations.target_notes import TargetNotes
from archipelago.container.operations.trial.trial_runs import TrialRuns
from archipelago.container.proposals.disk_rules import DiskRules
from archipelago.container.reconciler.host_share import HostShare
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.container.reports.apps import HEALTH
from archipelago.container.workload.inputs import Site
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.container.workload.templates.workers import TemplateWorkers
from archipelago.errors import ErrorCode, NodeError
from archipelago.node.build.data import DataParts, build_data
from archipelago.node.build.late_parts import LateParts
from archipelago.node.build.limits import disk_use, open_limits
from archipelago.node.build.podman import PodmanHost
from archipelago.node.build.storage import Storage
from archipelago.node.build.trials import trial_runs
from archipelago.performance import host
from archipelago.performance.resource_manager.pauses import Pauses
from archipelago.security.image_verifier.built import BuiltImages
from archipelago.security.image_verifier.registry_client import RegistryClient
from archipelago.security.image_verifier.verifier import ImageVerifier
from archipelago.security.sbom.store import SbomStore
from archipelago.storage.records.events import NewEvent
from archipelago.storage.stores.own_limits import OwnLimitStore
from archipelago.storage.stores.revisions import RevisionStore
from archipelago.storage.stores.signers import SignerStore
from archipelago.support.texts.text import msg

if TYPE_CHECKING:
    from archipelago.container.operations.backup_tools import BackupTools


@dataclass(frozen=True, slots=True)
class Apps:
    """What keeps apps as their owner wants them."""

    catalog: LocalCatalog
    verifier: ImageVerifier
    images: ImageStore
    inventory: ImageInventory
    pruner: ImagePruner
    volumes: VolumeKeeper
    data: AppData
    disk_use: DiskUse
    limits: AppLimits
    kept_data: DataService
    pauses: Pauses
    downloads: InitialDownloads
    snapshots: SnapshotStore
    snapshot_schedules: SnapshotSchedules
    automatic_updates: AutomaticUpdateChoice
    trials: TrialRuns
    streams: Streams
    reconciler: Reconciler
    operations: Operations
    parts: JobParts
    runner: JobRunner
    late: LateParts


async def build_apps(storage: Storage, podman: PodmanHost, closing: AsyncExitStack) -> Apps:
    """Build what keeps apps; nothing of it runs yet, and `closing` ends what will. Raises `NodeError`."""
    config, secrets, layout = storage.config, storage.secrets, storage.config.layout
    catalog = LocalCatalog(config.apps)
    verifier = ImageVerifier(RegistryClient(Path.home()), SignerStore(storage.database), storage.audit.record)
    limits = await open_limits(storage, podman, lambda: data.leases.stopping)
    images = await _images(storage, podman, verifier, limits.pauses)
    workers = _workers(closing)
    downloads = InitialDownloads(storage.state, lambda: reconciler.desired.apps)
    composer = _composer(storage, podman, images, workers, downloads, limits.own)
    trials = trial_runs(
        storage,
        podman,
        images,
        limits,
        lambda app: _composer(storage, podman, images, workers, downloads, limits.own, trial_of=app),
    )
    data = build_data(storage, podman, limits.own)
    reconciler = _reconciler(storage, podman, images, data, limits.share, downloads)
    operations = Operations(storage.state, secrets.redactor.redact)
    closing.push_async_callback(reconciler.close)
    closing.push_async_callback(operations.close)
    renderer = Renderer(workers)
    pruner = ImagePruner(images, storage.state, lambda: host.disk(config.root)[1])
    inventory = ImageInventory(images, SbomStore(layout.apps))
    keeping = (catalog, composer, reconciler, images, inventory, pruner)
    parts = _job_parts(storage, podman, data, limits.pauses, renderer, trials, keeping)
    runner = JobRunner(parts, operations, find_kinds)
    streams = _streams(parts, storage, podman, data, renderer, closing)
    return Apps(
        catalog,
        verifier,
        images,
        inventory,
        pruner,
        data.volumes,
        data.apps,
        disk_use(storage, podman, data.snapshots, limits.history, lambda: reconciler.desired),
        AppLimits(limits.own, reconciler, limits.share.limits, podman.facts, parts.changes.apply),
        _data_service(data, streams, operations, reconciler),
        limits.pauses,
        downloads,
        data.snapshots,
        SnapshotSchedules(storage.state, storage.node_id),
        AutomaticUpdateChoice(storage.state),
        trials,
        streams,
        reconciler,
        operations,
        parts,
        runner,
        LateParts(parts, runner, operations, streams.notes),
    )


def _job_parts(
    storage: Storage,
    podman: PodmanHost,
    data: DataParts,
    pauses: Pauses,
    renderer: Renderer,
    trials: TrialRuns,
    keeping: tuple[LocalCatalog, Composer, Reconciler, ImageStore, ImageInventory, ImagePruner],
) -> JobParts:
    config, secrets, layout = storage.config, storage.secrets, storage.config.layout
    catalog, composer, reconciler, images, inventory, pruner = keeping
    return JobParts.of(
        storage.state,
        catalog,
        composer,
        reconciler,
        images=images,
        inventory=inventory,
        pruner=pruner,
        data=data.apps,
        secrets=AppSecrets(secrets),
        disk_rules=DiskRules(renderer, podman.namespace, layout.apps),
        repairs=Repairs(reconciler, renderer, layout, lambda: datetime.now(UTC)),
        revisions=RevisionStore(storage.database),
        require_room=pauses.require_room,
        snapshots=data.snapshots,
        volumes=data.volumes,
        trials=trials,
        backups=_backup_work(storage, podman, data, renderer, trials, reconciler),
        soak=config.soak,
    )


def _backup_work(
    storage: Storage,
    podman: PodmanHost,
    data: DataParts,
    renderer: Renderer,
    trials: TrialRuns,
    reconciler: Reconciler,
) -> BackupWork:
    layout, secrets = storage.config.layout, storage.secrets

    @cache
    def tools() -> "BackupTools":
        from archipelago.container.operations.backup_tools import backup_tools  # an idle node makes no backup

        return backup_tools(layout, podman.client, podman.namespace, secrets, trials, launch)

    targets = TargetStore(layout.backups, secrets)
    return BackupWork(targets, tools, launch, secrets, layout, podman.namespace, reconciler, data.volumes, renderer)


def _data_service(data: DataParts, streams: Streams, operations: Operations, reconciler: Reconciler) -> DataService:
    return DataService(
        data.volumes,
        data.leases,
        streams,
        data.kept,
        data.apps,
        operations,
        lambda: reconciler.desired,
        reconciler.look_again,
    )


def _workers(closing: AsyncExitStack) -> TemplateWorkers:
    workers = TemplateWorkers()
    closing.push_async_callback(asyncio.to_thread, workers.close)
    return workers


def _streams(
    parts: JobParts,
    storage: Storage,
    podman: PodmanHost,
    data: DataParts,
    renderer: Renderer,
    closing: AsyncExitStack,
) -> Streams:
    reconciler = parts.reconciler
    notes = TargetNotes(parts.backups, data.leases, lambda: reconciler.desired)
    data.leases.claimed, data.leases.sight = notes.wake, notes.sight
    data.leases.changed = lambda: reconciler.apply(reconciler.desired)
    data.leases.runs = lambda app: reconciler.observer.last.running(app)
    data.leases.until_down = lambda app: reconciler.changed.until(lambda: reconciler.is_down(app))
    parts.backups.written.append(notes.wake)
    closing.push_async_callback(notes.close)
    return Streams(
        podman.namespace,
        storage.config.layout,
        renderer,
        notes,
        lambda: reconciler.desired,
        reconciler.changed,
    )


async def _images(storage: Storage, podman: PodmanHost, verifier: ImageVerifier, pauses: Pauses) -> ImageStore:
    config = storage.config
    layout = config.layout
    images = ImageStore(
        podman.client,
        layout.builds,
        layout.downloads,
        _build_tools(podman.facts),
        verifier,
        BuiltImages(layout.images, layout.identity_key),
        config.trusted_root,
        podman.cgroup,
        pauses.require_room,
    )
    await images.clean()
    return images


def _composer(
    storage: Storage,
    podman: PodmanHost,
    images: ImageStore,
    workers: TemplateWorkers,
    downloads: InitialDownloads,
    limits: OwnLimitStore,
    trial_of: str = "",
) -> Composer:
    """Return what compiles the installed apps, or the scratch copy of one of them."""
    config, secrets = storage.config, storage.secrets
    apps, files = config.layout.apps, config.layout.files
    if trial_of:
        apps, files = config.layout.app(trial_of).trial, config.layout.trial_files
        secrets = secrets.beside(apps)
    return Composer(
        Site(
            storage.node_id,
            str(apps),
            str(files),
            podman.facts,
            podman.cgroup,
            host.static_shell(),
            onions="" if trial_of else str(config.layout.onions),
            seed=storage.seed,
        ),
        secrets,
        images,
        workers,
        free_disk=lambda: host.disk(config.root)[1],
        reserved_ports=frozenset({config.port, config.http_port, config.https_port}),
        downloading=downloads.goes_on,
        limits=lambda: limits.all,
    )


def _reconciler(
    storage: Storage,
    podman: PodmanHost,
    images: ImageStore,
    data: DataParts,
    share: HostShare,
    downloads: InitialDownloads,
) -> Reconciler:
    async def image_id(app: DesiredApp, container: str) -> str | None:
        return await images.image_id(app.record.package, container)

    async def rebuild(app: DesiredApp, container: str) -> str:
        await images.ensure(app.record.package, container, lambda _: None)
        image = await image_id(app, container)
        if image is None:
            raise NodeError(
                ErrorCode.IMAGE, msg("the image of {app} was removed while it was brought back", app=app.record.app)
            )
        return image

    async def record_healths(news: Sequence[tuple[str, Health]]) -> None:
        await storage.state.record_all([_health_event(app, health) for app, health in news])
        await storage.runs.keep({app: reconciler.remember(app) for app, _ in news})
        await downloads.note(news)

    reconciler = Reconciler(
        podman.client,
        podman.namespace,
        podman.firewall,
        data.volumes,
        storage.node_id,
        str(storage.config.layout.files),
        Path(podman.info.run_root),
        image_id,
        rebuild,
        storage.secrets.redactor.redact,
        record_healths,
        share,
    )
    return reconciler


def _health_event(app: str, health: Health) -> NewEvent:
    text = f"{app} is {health.state}" + (f": {health.reason}" if health.reason else "")
    return NewEvent(HEALTH, app, text, {"state": health.state.value})


def _build_tools(facts: HostFacts) -> BuildTools:
    return BuildTools(
        uv=find_uv(),
        architecture=facts.architecture,
        mirror=os.environ.get("ARCHIPELAGO_DEBIAN_MIRROR", DEFAULT_MIRROR),
        security_mirror=os.environ.get("ARCHIPELAGO_DEBIAN_SECURITY_MIRROR", DEFAULT_SECURITY_MIRROR),
        python_index=os.environ.get("ARCHIPELAGO_PYTHON_INDEX", DEFAULT_INDEX),
        module_proxy=os.environ.get("ARCHIPELAGO_GO_PROXY", DEFAULT_MODULE_PROXY),
        npm_registry=os.environ.get("ARCHIPELAGO_NPM_REGISTRY", DEFAULT_NPM_REGISTRY),
    )
