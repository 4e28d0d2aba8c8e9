"""Everything that carries jobs out but Podman: a database, a catalog, plans, compiled apps and operations.

The apps run as soon as they are wanted, or stay in the states that a test gives them.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from archipelago.api.health import Health, HealthState
from archipelago.api.operations import Operation
from archipelago.catalog.local import LocalCatalog
from archipelago.container.data.kept import Keepsake
from archipelago.container.data.snapshots.room import KeptRoom
from archipelago.container.data.snapshots.store import SnapshotStore
from archipelago.container.dependency_resolver.host_facts import ControlGroup, HostFacts
from archipelago.container.desired.composer import Composer
from archipelago.container.desired.state import DesiredState
from archipelago.container.images.recipe import BuildTools
from archipelago.container.images.store import ImageStore
from archipelago.container.manifest.model.app import Architecture
from archipelago.container.manifest.package import AppPackage
from archipelago.container.operations.app_secrets import AppSecrets
from archipelago.container.operations.image_fetcher import image_step
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.operations import Operations
from archipelago.container.operations.orchestrator import Orchestrator
from archipelago.container.operations.registry import find_kinds
from archipelago.container.operations.repairs import Repairs
from archipelago.container.operations.runner import JobRunner
from archipelago.container.operations.tracker import Tracker
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.service import PodmanService
from archipelago.container.proposals.disk_rules import DiskRules
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.container.reconciler.repair_order import RepairOrder
from archipelago.container.workload.inputs import Site
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.security.secrets.manager import SecretsManager
from archipelago.storage.database import Database
from archipelago.storage.layout import Layout
from archipelago.storage.records.operations import OperationRecord, OperationState, StepRecord
from archipelago.storage.stores.revisions import RevisionStore
from archipelago.storage.stores.state import State
from archipelago.storage.stores.volume_marks import VolumeMarks
from archipelago.support.broadcast import Signal
from support.databases import new_database
from support.own_namespace import OwnNamespace

GIB = 1024**3
MANIFEST = """
manifest: 1
id: {app}
name: {app}
version: "{version}"
summary: An app of a test.
description: An app of a test.
category: other
license: MIT
options: {{n: {{type: int, label: N, default: 1}}}}
secrets: {{key: {{}}}}
containers:
  main:
    image: docker.io/library/busybox@sha256:{digest}
    command: ["{{{{ options.n }}}}"]
{more}
"""
WITH_DATA = """    mounts: [{volume: data, path: /data}]
volumes: {data: {data: files}}
"""
"""What an app with a volume has more."""
PROVIDES = "provides: {i: {container: main, port: 80}}"
REQUIRES = "requires: {i: {}}"
REPAIRS = "repairs: {fix: {label: Fix, description: Fixes it., arguments: {main: [--fix]}}}"


@dataclass
class Apps:
    """Takes the place of the reconciler: what is wanted runs at once, unless it is in `stuck`."""

    desired: DesiredState = field(default_factory=DesiredState)
    changed: Signal = field(default_factory=Signal)
    stuck: dict[str, HealthState] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    """What it was asked to do once."""
    suspended: frozenset[str] = frozenset()
    broken: set[str] = field(default_factory=set)
    """Versions that do not work."""
    on_run: Callable[[str, str], None] = lambda app, version: None
    """Called with the app and the version of what may start now."""

    def apply(self, desired: DesiredState) -> None:
        self.desired = replace(desired, suspended=self.suspended, generation=self.desired.generation + 1)
        for app, found in self.desired.apps.items():
            if self.desired.wanted(app):
                self.on_run(app, found.record.package.manifest.version)
        self.changed.notify()

    def health(self, app: str) -> Health:
        if not self.desired.wanted(app):
            return Health(state=self.stuck.get(app, HealthState.STOPPED))
        if self.desired.apps[app].record.package.manifest.version in self.broken:
            return Health(state=HealthState.BACKING_OFF, restarts=9, reason="it crashes")
        return Health(state=self.stuck.get(app, HealthState.HEALTHY))

    def container_healths(self, app: str) -> dict[str, Health]:
        return {"main": self.health(app)}

    def is_down(self, app: str) -> bool:
        return self.health(app).state is HealthState.STOPPED

    def is_gone(self, app: str) -> bool:
        return app not in self.desired.apps

    def try_again(self, apps: Collection[str]) -> None:
        self.done.append(f"try {' '.join(apps)}")

    def suspend(self, *, more: Collection[str] = (), less: Collection[str] = ()) -> None:
        self.suspended = self.suspended.union(more).difference(less)
        self.done += [f"suspend {app}" for app in more] + [f"release {app}" for app in less]
        self.apply(self.desired)

    def look_again(self, app: str) -> None:
        self.done.append(f"look at {app}")

    async def settled(self, _: Collection[str]) -> None:
        pass

    async def sweep(self) -> None:
        pass

    async def restart(self, app: str) -> None:
        self.done.append(f"restart {app}")

    async def repair(self, app: str, order: RepairOrder) -> None:
        self.done.append(f"repair {app} {order.repair}")


@dataclass
class Images:
    """Takes the place of the fetcher, the inventory and the pruner; `gate` holds a fetch up."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    @contextlib.asynccontextmanager
    async def fetched(self, tracker: Tracker, packages: Mapping[str, AppPackage]) -> AsyncIterator[None]:
        for app in packages:
            await tracker.begin(image_step(app))
        await self.gate.wait()
        yield

    async def forget(self, app: str) -> None:
        pass

    async def keep(self, package: AppPackage) -> None:
        pass

    def want(self) -> None:
        pass


@dataclass
class Data:
    """Notes which data is deleted."""

    state: State
    there: set[str] = field(default_factory=set)
    deleted: list[str] = field(default_factory=list)

    async def has_volumes(self, app: str) -> bool:
        return app in self.there

    async def delete(self, app: str, _: Keepsake) -> None:
        self.deleted.append(app)
        await self.state.release_slot(app)

    async def forget_logs(self, app: str) -> None:
        pass

    async def refuse_unkeepable(self, _: object) -> None:
        pass


class Volumes:
    """Knows of no volume that is lost."""

    async def troubles(self, _: object) -> tuple[()]:
        return ()


@dataclass
class Bench:
    """A node without Podman."""

    folder: Path
    database: Database
    state: State
    parts: JobParts
    apps: Apps
    images: Images
    data: Data
    operations: Operations
    runner: JobRunner
    orchestrator: Orchestrator
    namespace: OwnNamespace
    written: Signal
    """Notified of each change that is in the database."""

    def offer(self, app: str, more: str = "", version: str = "1.0") -> None:
        """Offer an app in the catalog."""
        (self.folder / "catalog" / app).mkdir(parents=True, exist_ok=True)
        text = MANIFEST.format(app=app, version=version, digest="0" * 64, more=more)
        (self.folder / "catalog" / app / "manifest.yml").write_text(text)

    async def ended(self, operation: Operation) -> Operation:
        """Return an operation, ended."""
        found = await self.operations.wait(operation.id, 10)
        assert found.state.ended, found
        return found

    async def installed(self, app: str, **options: object) -> None:
        """Install an app."""
        begun = await self.orchestrator.install(app, options, {}, start=True)
        found = await self.ended(begun)
        assert found.state is OperationState.DONE, found

    async def crashed(self, kind: str, app: str, arguments: Mapping[str, Any], steps: tuple[str, ...] = ()) -> str:
        """Leave the row of an operation that a crash cut off before these steps; return its id."""
        now = datetime.now(UTC)
        record = OperationRecord(
            id="00112233aabb",
            kind=kind,
            app=app,
            state=OperationState.RUNNING,
            steps=tuple(StepRecord(name=name) for name in steps),
            created_at=now,
            updated_at=now,
            arguments=arguments,
        )
        return (await self.state.save_operation(record)).id

    async def resumed(self, kind: str, app: str, arguments: Mapping[str, Any]) -> Operation:
        """Resume an operation from its row, and return it, ended."""
        operation = await self.crashed(kind, app, arguments)
        await self.runner.resume()
        return await self.ended(await self.operations.get(operation))

    async def row(self, operation: str) -> dict[str, Any]:
        """Return what is stored of an operation."""
        return dict((await self.state.operation(operation)).arguments)


@contextlib.asynccontextmanager
async def bench(folder: Path) -> AsyncIterator[Bench]:
    """A node without Podman, with an empty catalog."""
    (folder / "catalog").mkdir()
    database = await new_database(folder / "state.db")
    written = Signal()
    state = State(database, lambda _: written.notify())
    await state.open()
    secrets = SecretsManager(folder / "apps", folder / "node.key")
    client = PodmanClient(PodmanService(folder / "podman.sock", folder / "podman.log"))  # never asked
    tools = BuildTools("uv", Architecture.AMD64)
    store = ImageStore(client, folder / "builds", folder / "downloads", tools, cast(Any, None), cast(Any, None))
    facts = HostFacts(Architecture.AMD64, memory=16 * GIB, cores=4, free_disk=100 * GIB)
    site = Site("n", str(folder), "/run/files", facts, ControlGroup())
    renderer = Renderer()
    composer = Composer(site, secrets, store, renderer.aside, free_disk=lambda: 100 * GIB, reserved_ports=frozenset())
    namespace = OwnNamespace()
    apps, images, data = Apps(), Images(), Data(state)
    reconciler = cast(Reconciler, apps)
    layout = Layout(folder, folder / "run")
    snapshots = SnapshotStore(layout, cast(Any, namespace), VolumeMarks(database))
    snapshots.room = KeptRoom(layout, 1 << 20)  # in memory, where 32 MB are filled each time
    parts = JobParts.of(
        state,
        LocalCatalog(folder / "catalog"),
        composer,
        reconciler,
        images=store,
        inventory=cast(Any, images),
        pruner=cast(Any, images),
        data=cast(Any, data),
        secrets=AppSecrets(secrets),
        snapshots=snapshots,
        volumes=cast(Any, Volumes()),
        backups=cast(Any, None),
        trials=cast(Any, None),
        soak=0.01,
        disk_rules=DiskRules(renderer, cast(Any, None), folder / "apps"),
        repairs=Repairs(reconciler, renderer, Layout(folder, folder / "run"), lambda: datetime.now(UTC)),
        revisions=RevisionStore(database),
    )
    parts = replace(parts, fetcher=cast(Any, images))
    operations = Operations(state, lambda text: text)
    runner = JobRunner(parts, operations, find_kinds)
    orchestrator = Orchestrator(parts, runner)
    await parts.changes.apply()
    yield Bench(
        folder, database, state, parts, apps, images, data, operations, runner, orchestrator, namespace, written
    )
    await operations.close()
    await database.close()
