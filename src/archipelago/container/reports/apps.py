"""Answers questions about installed apps and the catalog."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from packaging.version import Version

from archipelago.api.apps import AppStatus, AppSummary, Dependency, EndpointStatus
from archipelago.api.automatic_updates import AutomaticUpdateView
from archipelago.api.catalog import BundleView, CatalogEntry, ScreenshotView
from archipelago.api.configuration import OptionView
from archipelago.api.containers import ContainerStatus, Limits
from archipelago.api.events import Event, event_view
from archipelago.api.health import Health, HealthState, Sync
from archipelago.api.metrics import MetricsPoint
from archipelago.catalog.source import Catalog, CatalogSource
from archipelago.container.data.data_classes import funds_volumes
from archipelago.container.data.keeper import VolumeKeeper
from archipelago.container.dependency_resolver.asks import expected_disk
from archipelago.container.dependency_resolver.rating import rate
from archipelago.container.desired.installed_apps import not_installed
from archipelago.container.desired.state import DesiredApp, DesiredState, trouble_of
from archipelago.container.manifest.exposure import (
    LOOPBACK,
    PUBLISHED,
    address_of,
    is_behind_login,
    is_open,
    kept_in,
    onion_access,
    require_switch,
)
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.endpoints import Endpoint
from archipelago.container.manifest.model.probes import ChainProbe
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.manifest.package import AppPackage
from archipelago.container.manifest.site_names import (
    Doors,
    local_site_address,
    onion_address,
    site_address,
    site_labels,
)
from archipelago.container.operations.operations import Operations
from archipelago.container.operations.repairs import repair_views
from archipelago.container.podman_client.errors import PodmanError
from archipelago.container.podman_client.models import ContainerSummary
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.container.reconciler.seen import is_running
from archipelago.container.reports.lightning import lightning_door
from archipelago.container.reports.link_traffic import LinkTraffic, Pair
from archipelago.container.reports.options import option_views
from archipelago.container.workload.workload import ContainerWorkload
from archipelago.performance.metrics import Metrics
from archipelago.performance.resource_manager.budgets import ContainerBudget
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.stores.state import State

HEALTH = "health"
"""Kind of the events that say how the health of an app changed."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Reads, and changes nothing."""

    state: State
    catalog: CatalogSource
    reconciler: Reconciler
    operations: Operations
    not_enforced: tuple[str, ...]
    """What the host cannot enforce, in words for the owner."""
    volumes: VolumeKeeper
    local_addresses: Callable[[], tuple[IPv4Address, ...]]
    """Where the node listens beyond loopback."""
    sampled: Metrics
    links: LinkTraffic
    automatic: Callable[[str], Awaitable[AutomaticUpdateView]]
    """Returns whether updates of an app are installed by themselves."""
    doors: Doors
    """Where browsers come in."""
    onion_of: Callable[[str, str], str | None]
    """Returns the host name of the onion service of an app's endpoint; None where it has none now."""

    async def status(self, app: str) -> AppStatus:
        """Return everything about one installed app."""
        found = await self.installed(app)
        desired = self.reconciler.desired
        manifest = found.record.package.manifest
        planned = desired.plan.planned(app)
        seen = (await self._look()).get(app, {})
        healths = self.reconciler.container_healths(app)
        health = self.reconciler.health(app)
        catalog = await self.catalog.read()
        return AppStatus(
            app=app,
            name=manifest.name,
            icon=found.record.package.icon_version,
            version=manifest.version,
            summary=manifest.summary,
            desired=found.record.desired,
            rating=rate(manifest),
            health=health,
            chain=_chain(healths),
            containers=tuple(
                _container_status(
                    wanted, desired.container_budget(app, wanted.container), seen.get(wanted.name), healths
                )
                for wanted in found.workload.containers
            ),
            endpoints=_endpoints(found.record, self.local_addresses(), self.doors, self.onion_of),
            options=planned.options if planned is not None else {},
            options_set=tuple(sorted(found.record.options)),
            uses=_uses(desired, app, self.links.now()),
            used_by=tuple(sorted({edge.consumer for edge in desired.dependents(app)})),
            update_to=_newer(catalog, manifest),
            release_notes=catalog.packages[app].manifest.release_notes if _newer(catalog, manifest) else None,
            automatic=await self.automatic(app),
            operation=self.operations.working_on(app),
            not_enforced=self.not_enforced,
            lost_volumes=await self.volumes.report(found.workload) if health.needs_owner else (),
            repairs=repair_views(manifest, healths),
            reports_lightning=lightning_door(manifest) is not None,
        )

    async def summaries(self) -> tuple[AppSummary, ...]:
        """Return a line about each installed app; from memory, without asking Podman."""
        return self._summaries(self.links.now())

    async def summaries_without_links(self) -> tuple[AppSummary, ...]:
        """Return the same without what apps exchange with each other, which is sampled for those who look at it."""
        return self._summaries({})

    async def health(self, app: str) -> Health:
        """Return the health of an installed app."""
        await self.installed(app)
        return self.reconciler.health(app)

    async def health_history(self, app: str, limit: int) -> tuple[Event, ...]:
        """Return the newest changes of an app's health, the newest first."""
        await self.installed(app)
        return tuple(map(event_view, await self.state.newest_events(app, HEALTH, limit)))

    async def options(self, app: str) -> dict[str, Scalar]:
        """Return the values of an app's options that are in force."""
        await self.installed(app)
        planned = self.reconciler.desired.plan.planned(app)
        return dict(planned.options) if planned is not None else {}

    async def option_views(self, app: str) -> tuple[OptionView, ...]:
        """Return the options of an installed app, or else of one of the catalog, as a form needs them.

        Raises `NodeError`.
        """
        return option_views((await self._package(app)).manifest, self.reconciler.desired.plan.planned(app))

    async def entries(self) -> tuple[CatalogEntry, ...]:
        """Return the apps that can be installed, and those whose manifest is wrong."""
        catalog = await self.catalog.read()
        installed = self.reconciler.desired.apps
        took = await self.state.installation_times()
        entries = [
            _entry(package, catalog, installed[app].record if app in installed else None, took.get(app))
            for app, package in sorted(catalog.packages.items())
        ]
        return (*entries, *(_broken(app, problem) for app, problem in sorted(catalog.problems.items())))

    async def bundles(self) -> tuple[BundleView, ...]:
        """Return the bundles all of whose apps are in the catalog, and those whose file is wrong."""
        catalog = await self.catalog.read()
        offered = [
            BundleView(bundle=name, name=bundle.name, summary=bundle.summary, apps=bundle.apps)
            for name, bundle in sorted(catalog.bundles.items())
            if catalog.packages.keys() >= set(bundle.apps)
        ]
        broken = [
            BundleView(bundle=name, name=name, summary="", apps=(), problem=problem)
            for name, problem in sorted(catalog.bundle_problems.items())
        ]
        return (*offered, *broken)

    async def screenshot(self, app: str, name: str) -> bytes | None:
        """Return a picture of an app of the catalog; None where there is none of that name. Raises `NodeError`."""
        return await self.catalog.screenshot(app, name)

    async def icon(self, app: str) -> bytes | None:
        """Return the icon of an installed app, or else of one of the catalog; None without one. Raises `NodeError`."""
        return (await self._package(app)).icon

    async def installed(self, app: str) -> DesiredApp:
        """Return an installed app; raises `NodeError`."""
        found = self.reconciler.desired.apps.get(app)
        if found is None:
            (await self.catalog.read()).package(app)
            raise not_installed(app)
        return found

    async def endpoint(self, app: str, name: str) -> EndpointStatus:
        """Return one endpoint of an installed app; raises `NodeError`."""
        record = (await self.installed(app)).record
        require_switch(app, record.package.manifest.endpoints, name, record.ports, opened=False)
        return next(
            each for each in _endpoints(record, self.local_addresses(), self.doors, self.onion_of) if each.name == name
        )

    async def _package(self, app: str) -> AppPackage:
        found = self.reconciler.desired.apps.get(app)
        return found.record.package if found is not None else (await self.catalog.read()).package(app)

    async def _look(self) -> Mapping[str, Mapping[str, ContainerSummary]]:
        try:
            return (await self.reconciler.observer.look()).apps
        except PodmanError:
            return self.reconciler.observer.last.apps

    def _summaries(self, links: Mapping[Pair, float]) -> tuple[AppSummary, ...]:
        found, sampled = self.reconciler.desired.apps, self.sampled.newest()
        return tuple(self._summary(app, found[app].record, sampled.get(app), links) for app in sorted(found))

    def _summary(
        self, app: str, record: AppRecord, sample: MetricsPoint | None, links: Mapping[Pair, float]
    ) -> AppSummary:
        health = self.reconciler.health(app)
        return AppSummary(
            app=app,
            name=record.package.manifest.name,
            icon=record.package.icon_version,
            version=record.package.manifest.version,
            desired=record.desired,
            state=health.state,
            reason=health.reason,
            percent=health.sync.percent if health.sync is not None else None,
            chain=_chain(self.reconciler.container_healths(app)),
            follows_chain=follows_chain(record.package.manifest),
            endpoints=_endpoints(record, self.local_addresses(), self.doors, self.onion_of),
            operation=self.operations.working_on(app),
            category=record.package.manifest.category,
            uses=_uses(self.reconciler.desired, app, links),
            traffic=_traffic(health, sample),
            funds=bool(funds_volumes(record)),
            trouble=trouble_of(self.reconciler.container_healths(app)),
        )


def _uses(desired: DesiredState, app: str, links: Mapping[Pair, float]) -> tuple[Dependency, ...]:
    return tuple(
        Dependency(
            interface=edge.interface,
            app=edge.provider,
            optional=edge.optional,
            traffic=links.get((app, edge.provider)),
        )
        for edge in desired.providers(app)
    )


def _traffic(health: Health, sample: MetricsPoint | None) -> float | None:
    if sample is None or health.state is HealthState.STOPPED:
        return None
    return round(sample.received + sample.sent, 1)


def _chain(healths: Mapping[str, Health]) -> Sync | None:
    return next((each.sync for each in healths.values() if each.sync is not None), None)


def follows_chain(manifest: AppManifest) -> bool:
    """Return whether a program of an app reports how far a chain is."""
    healths = (container.health for container in manifest.containers.values())
    return any(health is not None and isinstance(health.probe, ChainProbe) for health in healths)


def _container_status(
    wanted: ContainerWorkload,
    budget: ContainerBudget | None,
    found: ContainerSummary | None,
    healths: Mapping[str, Health],
) -> ContainerStatus:
    assert budget is not None, "decided with the desired state"
    running = found is not None and is_running(found)
    return ContainerStatus(
        name=wanted.container,
        container=wanted.name,
        image=wanted.spec.image,
        state=found.state.value if found is not None else "absent",
        health=healths.get(wanted.container, Health(state=HealthState.STARTING)),
        limits=Limits(memory=budget.memory, cpu=budget.cpu, pids=budget.pids),
        started_at=found.started_at if found is not None and running else None,
    )


def _endpoints(
    record: AppRecord,
    addresses: Collection[IPv4Address],
    doors: Doors,
    onion_of: Callable[[str, str], str | None],
) -> tuple[EndpointStatus, ...]:
    found = []
    labels = site_labels(record.app, record.package.manifest.endpoints)
    for name, endpoint in record.package.manifest.endpoints.items():
        if PUBLISHED.isdisjoint(endpoint.access):
            continue  # nothing leads to it yet
        port = record.ports.get(name, endpoint.host_port)
        opened, label = is_open(endpoint, record.lan.get(name)), labels.get(name)
        onion = onion_of(record.app, name)
        guarded, site = is_behind_login(endpoint), None if label is None else site_address(endpoint, label, doors)
        found.append(
            EndpointStatus(
                name=name,
                kind=endpoint.kind.value,
                protocol=endpoint.protocol.value,
                address=(site or "") if guarded else address_of(endpoint, LOOPBACK, port),
                local_addresses=tuple(address_of(endpoint, each, port) for each in addresses if opened and not guarded),
                site=site,
                local_site=local_site_address(endpoint, label, doors) if label and opened and addresses else None,
                behind_login=guarded,
                open=opened,
                tor=onion_access(endpoint, record.tor.get(name)),
                onion=None if onion is None else onion_address(endpoint, onion),
                kept_in=kept_in(endpoint),
                label=endpoint.label,
                interface=_interface_at(record.package.manifest, endpoint),
            )
        )
    return tuple(found)


def _interface_at(manifest: AppManifest, endpoint: Endpoint) -> str | None:
    """Return what an endpoint speaks: its port is the one at which other apps find this interface."""
    place = (endpoint.container, endpoint.port)
    return next((name for name, one in manifest.provides.items() if (one.container, one.port) == place), None)


def _newer(catalog: Catalog, manifest: AppManifest) -> str | None:
    offered = catalog.packages.get(manifest.id)
    if offered is None or Version(offered.manifest.version) <= Version(manifest.version):
        return None
    return offered.manifest.version


def _entry(package: AppPackage, catalog: Catalog, installed: AppRecord | None, took: float | None) -> CatalogEntry:
    manifest = package.manifest
    defaults = {name: option.default for name, option in manifest.options.items()}
    return CatalogEntry(
        app=manifest.id,
        name=manifest.name,
        icon=package.icon_version,
        version=manifest.version,
        summary=manifest.summary,
        description=manifest.description,
        category=manifest.category.value,
        license=manifest.license,
        website=manifest.website,
        architectures=tuple(architecture.value for architecture in manifest.architectures),
        memory=manifest.host.memory,
        disk=max(manifest.host.disk, expected_disk(manifest, defaults)),
        requires=tuple(sorted(manifest.requires)),
        provides=tuple(sorted(manifest.provides)),
        installed=installed.package.manifest.version if installed is not None else None,
        update_to=_newer(catalog, installed.package.manifest) if installed is not None else None,
        rating=rate(manifest),
        screenshots=tuple(
            ScreenshotView(name=each.name, version=each.version, width=each.width, height=each.height)
            for each in package.screenshots
        ),
        took=took,
    )


def _broken(app: str, problem: str) -> CatalogEntry:
    return CatalogEntry(
        app=app,
        name=app,
        version="",
        summary="",
        description="",
        category="other",
        license="",
        architectures=(),
        requires=(),
        provides=(),
        problem=problem,
    )
