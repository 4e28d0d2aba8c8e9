"""The third layer of a node: what keeps apps, and what changes them."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from archipelago.api.health import Health
from archipelago.catalog.local import LocalCatalog
from archipelago.container.data.disk_use import DiskUse
from archipelago.container.data.keeper import VolumeKeeper
from archipelago.container.data.kept import KeptStore
from archipelago.container.data.snapshots.store import SnapshotStore
from archipelago.container.data.volumes import AppData
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.desired.composer import Composer
from archipelago.container.desired.initial_downloads import InitialDownloads
from archipelago.container.desired.state import DesiredApp
from archipelago.container.images.inventory import ImageInventory
from archipelago.container.images.pruner import ImagePruner
from archipelago.container.images.recipe import DEFAULT_INDEX, DEFAULT_MIRROR, DEFAULT_SECURITY_MIRROR, BuildTools
from archipelago.container.images.store import ImageStore, find_uv
from archipelago.container.operations.app_secrets import AppSecrets
from archipelago.container.operations.backup_work import backup_work
from archipelago.container.operations.backups import Backups
from archipelago.container.operations.data import DataService
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.limits import AppLimits
from archipelago.container.operations.operations import Operations
from archipelago.container.operations.orchestrator import Orchestrator
from archipelago.container.operations.registry import find_kinds
from archipelago.container.operations.repairs import Repairs
from archipelago.container.operations.runner import JobRunner
from archipelago.container.operations.snapshot_schedules import SnapshotSchedules
from archipelago.container.operations.snapshots import Snapshots
from archipelago.container.operations.trial.scratch import ComposerAt, Scratch
from archipelago.container.operations.trial.trial_runs import TrialRuns
from archipelago.container.proposals.disk_rules import DiskRules
from archipelago.container.reconciler.host_share import HostShare
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.container.reports.apps import HEALTH
from archipelago.container.workload.inputs import Site
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.container.workload.templates.workers import TemplateWorkers
from archipelago.errors import ErrorCode, NodeError
from archipelago.node.build.limits import disk_use, open_limits
from archipelago.node.build.podman import PodmanHost
from archipelago.node.build.storage import Storage
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
from archipelago.storage.stores.volume_marks import VolumeMarks
from archipelago.support.texts.text import msg


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
    snapshot_service: Snapshots
    snapshot_schedules: SnapshotSchedules
    backups: Backups
    trials: TrialRuns
    reconciler: Reconciler
    operations: Operations
    orchestrator: Orchestrator


async def build_apps(storage: Storage, podman: PodmanHost, closing: AsyncExitStack) -> Apps:
    """Build what keeps apps; nothing of it runs yet, and `closing` ends what will. Raises `NodeError`."""
    config, secrets, layout = storage.config, storage.secrets, storage.config.layout
    catalog = LocalCatalog(config.apps)
    verifier = ImageVerifier(RegistryClient(Path.home()), SignerStore(storage.database), storage.audit.record)
    limits = await open_limits(storage, podman)
    images = await _images(storage, podman, verifier, limits.pauses)
    closing.push_async_callback(asyncio.to_thread, (workers := TemplateWorkers()).close)
    downloads = InitialDownloads(storage.state, lambda: reconciler.desired.apps)
    composer = _composer(storage, podman, images, workers, downloads, limits.own)
    volumes = VolumeKeeper(podman.namespace, marks := VolumeMarks(storage.database))
    reconciler = _reconciler(storage, podman, images, volumes, limits.share, downloads)
    operations = Operations(storage.state, secrets.redactor.redact)
    closing.push_async_callback(reconciler.close)
    closing.push_async_callback(operations.close)
    kept, snapshots = KeptStore(layout, podman.namespace), SnapshotStore(layout, podman.namespace, marks)
    data = AppData(layout, podman.namespace, secrets, storage.state, marks, kept, limits.own)
    renderer = Renderer(workers)
    pruner = ImagePruner(images, storage.state, lambda: host.disk(config.root)[1])
    parts = JobParts.of(
        storage.state,
        catalog,
        composer,
        reconciler,
        images=images,
        inventory=(inventory := ImageInventory(images, SbomStore(layout.apps))),
        pruner=pruner,
        data=data,
        secrets=AppSecrets(secrets),
        disk_rules=DiskRules(renderer, podman.namespace, layout.apps),
        repairs=Repairs(reconciler, renderer, lambda: datetime.now(UTC)),
        revisions=RevisionStore(storage.database),
        require_room=limits.pauses.require_room,
        snapshots=snapshots,
        volumes=volumes,
        trials=(
            trials := _trials(
                storage,
                podman,
                images,
                limits.pauses.require_room,
                lambda app: _composer(storage, podman, images, workers, downloads, limits.own, trial_of=app),
            )
        ),
        backups=backup_work(layout, podman.client, podman.namespace, secrets, reconciler, volumes, renderer, trials),
        soak=config.soak,
    )
    runner = JobRunner(parts, operations, find_kinds())
    orchestrator = Orchestrator(parts, runner)
    return Apps(
        catalog,
        verifier,
        images,
        inventory,
        pruner,
        volumes,
        data,
        disk_use(storage, podman, snapshots, limits.history, lambda: reconciler.desired),
        AppLimits(limits.own, reconciler, limits.share.limits, podman.facts, orchestrator.apply),
        DataService(volumes, kept, data, operations, lambda: reconciler.desired, reconciler.look_again),
        limits.pauses,
        downloads,
        snapshots,
        Snapshots(parts, runner, operations),
        SnapshotSchedules(storage.state, storage.node_id),
        Backups(parts, runner),
        trials,
        reconciler,
        operations,
        orchestrator,
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
        Site(storage.node_id, str(apps), str(files), podman.facts, podman.cgroup, host.static_shell()),
        secrets,
        images,
        workers,
        free_disk=lambda: host.disk(config.root)[1],
        reserved_ports=frozenset({config.port}),
        downloading=downloads.goes_on,
        limits=lambda: limits.all,
    )


def _trials(
    storage: Storage,
    podman: PodmanHost,
    images: ImageStore,
    require_room: Callable[[], None],
    composer_at: ComposerAt,
) -> TrialRuns:
    layout = storage.config.layout
    return TrialRuns(
        Scratch(layout, podman.namespace, composer_at),
        podman.client,
        podman.namespace,
        images,
        storage.state,
        storage.node_id,
        host.static_shell(),
        storage.secrets.redactor.redact,
        require_room,
        lambda: host.memory()[1],
    )


def _reconciler(
    storage: Storage,
    podman: PodmanHost,
    images: ImageStore,
    volumes: VolumeKeeper,
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
        volumes,
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
    )
