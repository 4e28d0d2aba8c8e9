"""The last layer of a node: what answers the RPC, each part for the family of methods whose work it does."""

import asyncio
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from archipelago.api.local_network import Outlook
from archipelago.api.metrics import Measure
from archipelago.api.services import apps as app_services
from archipelago.api.services import node as node_services
from archipelago.api.services import security as security_services
from archipelago.api.services.registry import Services
from archipelago.api.system import PauseCause
from archipelago.backups.restic.launch import launch
from archipelago.config import NodeConfig
from archipelago.container.manifest.site_names import Doors
from archipelago.container.operations.backup_keys import BackupKeys
from archipelago.container.operations.seed_words import SeedWords
from archipelago.container.operations.snapshot_files import SnapshotFiles
from archipelago.container.reports.apps import Reporter
from archipelago.container.reports.chains import ChainReporter
from archipelago.container.reports.disk import DiskReporter
from archipelago.container.reports.disk_notices import FullShare, prunable_chains
from archipelago.container.reports.events import EventReporter
from archipelago.container.reports.examination import Examiner
from archipelago.container.reports.lightning import LightningReporter
from archipelago.container.reports.link_traffic import LinkTraffic
from archipelago.container.reports.logs import LogReporter
from archipelago.container.reports.notice_desk import NoticeDesk, Sources
from archipelago.container.reports.notices import Disk, Paused
from archipelago.container.reports.removal import RemovalReporter
from archipelago.container.reports.sbom import SbomReporter
from archipelago.container.reports.security import SecurityReporter
from archipelago.container.reports.shell import ContainerShell
from archipelago.container.reports.usage import UsageReporter
from archipelago.network.app_entry import AppEntry
from archipelago.network.drivers.caddy.caddy_driver import CaddyDriver
from archipelago.network.drivers.caddy.caddy_process import Caddy, find_caddy
from archipelago.network.drivers.caddy.guarded_pipes import ClosedDoors, GuardedPipes
from archipelago.network.drivers.loopback import LoopbackDriver
from archipelago.network.drivers.mdns import MdnsDriver
from archipelago.network.endpoint_switch import EndpointSwitch
from archipelago.network.firewall_proposal import FirewallProposal
from archipelago.network.local_access import LocalAccess
from archipelago.network.onions.onion_keeper import OnionKeeper
from archipelago.network.onions.onion_switch import OnionSwitch
from archipelago.network.route_keeper import RouteKeeper
from archipelago.network.site_keeper import SiteKeeper
from archipelago.network.tls import server_contexts
from archipelago.network.trust.trust_files import TrustFiles
from archipelago.node.build.apps import Apps
from archipelago.node.build.notifications import build_notifier
from archipelago.node.build.onions import build_onions
from archipelago.node.build.podman import PodmanHost
from archipelago.node.build.storage import Storage
from archipelago.node.power import Power
from archipelago.node.preferences import AccountPreferences
from archipelago.node.resource_guard import ResourceGuard, disk_limits, order_of
from archipelago.node.setup_steps import SetupSteps
from archipelago.notifications.notifier import Notifier
from archipelago.performance import host
from archipelago.performance.doctor import Doctor
from archipelago.performance.forecast import DiskForecast
from archipelago.performance.metrics import Metrics
from archipelago.performance.resource_manager.disk_level import DiskLevel
from archipelago.performance.resource_manager.disk_quota import QuotaLevel
from archipelago.performance.resource_manager.write_budget import largest_writers, writes_too_much
from archipelago.performance.system_history import SystemHistory
from archipelago.performance.system_report import SystemReporter
from archipelago.security.keys.async_key import AsyncNodeKey
from archipelago.security.keys.certificates import Certificates
from archipelago.security.login.login import Login
from archipelago.storage.stores.hidden_notices import HiddenNotices
from archipelago.storage.stores.preferences import PreferenceStore
from archipelago.storage.tls_folder import TlsFolder
from archipelago.support.connections.descriptors import limit, shares
from archipelago.support.host_names import host_label


@dataclass(frozen=True, slots=True)
class Parts:
    """All parts of a node."""

    storage: Storage
    podman: PodmanHost
    apps: Apps
    local_access: LocalAccess
    sites: SiteKeeper
    pipes: GuardedPipes
    onions: OnionKeeper
    metrics: Metrics
    links: LinkTraffic
    history: SystemHistory
    forecast: DiskForecast
    notifier: Notifier
    guard: ResourceGuard
    seed_words: SeedWords


def build_parts(storage: Storage, podman: PodmanHost, apps: Apps) -> Parts:
    """Build what is left."""
    config, reconciler = storage.config, apps.reconciler
    certificates = Certificates(config.layout.tls, storage.secrets, platform.node(), now=lambda: datetime.now(UTC))
    contexts = server_contexts(host_label(platform.node()))
    driver = LoopbackDriver(shares(limit()).apps, contexts)
    caddy = Caddy(config.layout.caddy, config.layout.caddy_log, find_caddy())
    pipes = GuardedPipes(config.layout.caddy, shares(limit()).guarded)
    sites = SiteKeeper(
        (pipes, CaddyDriver(caddy, certificates), ClosedDoors(pipes), MdnsDriver()),
        doors_of(config),
        lambda: reconciler.desired,
        reconciler.changed,
        storage.seed,
    )
    local_access = LocalAccess(
        storage.state,
        certificates,
        platform.node(),
        config.port,
        host.own_addresses,
        has_password=lambda: storage.login.setup_code is None,
        routes=RouteKeeper((driver,), lambda: reconciler.desired, reconciler.changed),
        trust=TrustFiles(certificates, doors_of(config)),
        sites=sites,
        contexts=contexts,
    )
    links = LinkTraffic(reconciler, storage.clocks.steady)
    notifier = build_notifier(storage, local_access)
    guard = ResourceGuard(
        apps.pauses,
        reconciler,
        apps.disk_use,
        config.root,
        storage.clocks.steady,
        storage.state.record_all,
        storage.audit.record,
        apps.trials.end_for_room,
    )
    return Parts(
        storage,
        podman,
        apps,
        local_access,
        sites,
        pipes,
        build_onions(storage, podman, apps, sites),
        Metrics(),
        links,
        SystemHistory(),
        DiskForecast(),
        notifier,
        guard,
        SeedWords(
            storage.secrets,
            lambda: reconciler.desired.apps,
            lambda app, what: storage.state.record("notice", app, what),
            storage.clocks.steady,
        ),
    )


def doors_of(config: NodeConfig) -> Doors:
    """Return where browsers come in to apps."""
    return Doors(config.http_port, config.https_port, host_label(platform.node()), config.port)


def build_services(parts: Parts, power: Power, started: float) -> Services:
    """Return what the RPC may ask of these parts; `started` is when the node started, by `time.monotonic`."""
    storage, apps = parts.storage, parts.apps
    reporter = Reporter(
        storage.state,
        apps.catalog,
        apps.reconciler,
        apps.operations,
        parts.podman.not_enforced,
        apps.volumes,
        lambda: parts.local_access.addresses,
        parts.metrics,
        parts.links,
        apps.automatic_updates.view,
        doors_of(storage.config),
        parts.onions.name_of,
    )
    services = Services()
    _provide_apps(services, parts, reporter)
    _provide_node(services, parts, reporter, power, started)
    _provide_security(services, parts, reporter)
    return services


def _provide_apps(services: Services, parts: Parts, reporter: Reporter) -> None:
    storage, podman, apps = parts.storage, parts.podman, parts.apps
    redact = storage.secrets.redactor.redact
    usage = UsageReporter(
        reporter.installed,
        apps.reconciler,
        podman.facts,
        parts.metrics,
        storage.clocks,
        apps.pauses,
        order_of,
        lambda: apps.disk_use.latest,
        podman.not_counted,
        podman.not_enforced,
    )
    services.provide(app_services.AppChangeService, apps.orchestrator)
    services.provide(app_services.LimitService, apps.limits)
    services.provide(app_services.RepairService, apps.orchestrator)
    services.provide(app_services.RevisionService, apps.orchestrator)
    services.provide(app_services.OperationService, apps.operations)
    services.provide(app_services.AppDataService, apps.kept_data)
    services.provide(app_services.SnapshotService, apps.snapshot_service)
    services.provide(app_services.SnapshotScheduleService, apps.snapshot_schedules)
    services.provide(app_services.AutomaticUpdateService, apps.automatic_updates)
    services.provide(
        app_services.SnapshotFileService,
        SnapshotFiles(storage.config.layout, podman.namespace, apps.snapshots, launch),
    )
    services.provide(app_services.BackupService, apps.backups)
    services.provide(app_services.BackupKeyService, BackupKeys(apps.backups.parts.backups, platform.node))
    services.provide(app_services.AppReportService, reporter)
    services.provide(app_services.CatalogService, reporter)
    services.provide(app_services.LogService, LogReporter(reporter.installed, apps.reconciler, redact))
    services.provide(app_services.ShellService, ContainerShell(reporter.installed, podman.client, redact))
    services.provide(
        app_services.ChainService,
        ChainReporter(reporter.installed, apps.reconciler, podman.namespace, storage.clocks.steady),
    )
    services.provide(
        app_services.LightningService,
        LightningReporter(
            reporter.installed, apps.reconciler, podman.namespace, storage.secrets, storage.clocks.steady
        ),
    )
    services.provide(app_services.MetricsService, usage)
    services.provide(node_services.ResourceService, usage)
    services.provide(
        app_services.RemovalService,
        RemovalReporter(reporter.installed, apps.reconciler, apps.data, storage.secrets),
    )


def _provide_node(services: Services, parts: Parts, reporter: Reporter, power: Power, started: float) -> None:
    storage, podman, apps, access = parts.storage, parts.podman, parts.apps, parts.local_access
    events = EventReporter(storage.state, storage.bus)
    system = SystemReporter(
        storage.node_id,
        storage.config.root,
        podman.facts,
        podman.info.version,
        power.actions,
        podman.not_enforced,
        parts.forecast,
        parts.history,
        storage.clocks,
        lambda: events.revision,
        started,
    )
    doctor = Doctor(storage.config, podman.info, podman.not_enforced)

    async def outlook() -> Outlook:
        return replace(await access.examined(), onions=parts.onions.problems)

    examiner = Examiner(doctor, podman.client, apps.volumes, apps.reconciler, outlook)
    services.provide(node_services.SystemService, system)
    disk = DiskReporter(apps.reconciler, apps.disk_use, storage.config.root)
    services.provide(node_services.DiskService, disk)
    services.provide(node_services.EventService, events)
    services.provide(node_services.DoctorService, examiner)
    services.provide(node_services.NoticeService, _notices(parts, reporter, disk, examiner))
    services.provide(node_services.NoticeChannelService, parts.notifier.desk)
    services.provide(node_services.PowerService, power)
    services.provide(node_services.SetupService, SetupSteps(storage.state))
    services.provide(node_services.PreferenceService, AccountPreferences(PreferenceStore(storage.database)))
    services.provide(node_services.LocalAccessService, access)
    services.provide(node_services.TrustService, access)
    services.provide(node_services.EndpointService, EndpointSwitch(apps.orchestrator, access, reporter, reporter.doors))
    services.provide(
        node_services.OnionService,
        OnionSwitch(
            apps.orchestrator,
            parts.onions,
            storage.secrets,
            reporter,
            lambda: storage.login.setup_code is None,
        ),
    )
    services.provide(node_services.HostFirewallService, FirewallProposal(access, podman.namespace))


def _provide_security(services: Services, parts: Parts, reporter: Reporter) -> None:
    storage, podman, apps = parts.storage, parts.podman, parts.apps
    key = AsyncNodeKey(storage.secrets.key, storage.secrets, (TlsFolder(storage.config.layout.tls).authority[1],))
    services.provide(Login, storage.login)
    entry = AppEntry(storage.login, parts.sites, parts.pipes.cut)
    services.provide(AppEntry, entry)
    services.provide(security_services.AppEntryService, entry)
    services.provide(security_services.AuditService, storage.audit)
    services.provide(security_services.KeyUnlockService, key)
    services.provide(security_services.KeyService, key)
    services.provide(security_services.AppSecretService, apps.orchestrator)
    services.provide(security_services.SeedWordService, parts.seed_words)
    services.provide(security_services.SignerService, apps.verifier)
    services.provide(security_services.SbomService, SbomReporter(reporter.installed, apps.inventory))
    services.provide(
        security_services.ConfinementService,
        SecurityReporter(apps.reconciler, podman.firewall, apps.inventory, podman.cgroup),
    )


def _notices(parts: Parts, reporter: Reporter, disk_use: DiskReporter, examiner: Examiner) -> NoticeDesk:
    storage, pauses = parts.storage, parts.apps.pauses

    def names(apps: Sequence[str]) -> tuple[str, ...]:
        found = parts.apps.reconciler.desired.apps
        return tuple(found[app].record.package.manifest.name if app in found else app for app in apps)

    async def disk() -> Disk:
        total, free = await asyncio.to_thread(host.disk, storage.config.root)
        level, soon = pauses.disk_level, parts.forecast.seconds_left()
        written = parts.metrics.written_in_a_day() if Measure.DISK not in parts.podman.not_counted else {}
        writers = largest_writers(written) if writes_too_much(written, total) else ()
        writes = tuple((name, written[app]) for app, name in zip(writers, names(writers), strict=True))
        found = Disk(total, free, soon, level, written=writes, shares=full_shares())
        if level is DiskLevel.PLENTY:
            return found
        report = await disk_use.report()  # what is not known of it is counted, which takes a while
        largest = tuple((each.name, each.taken) for each in report.apps if each.taken)
        sizes = {each.app: each.bytes for each in report.apps if each.bytes}
        return replace(found, largest=largest, prunable=prunable_chains(parts.apps.reconciler.desired, sizes))

    def full_shares() -> tuple[FullShare, ...]:
        desired, used = parts.apps.reconciler.desired, parts.apps.disk_use.latest
        over, near = (pauses.at_disk_limit(level) for level in (QuotaLevel.OVER, QuotaLevel.NEAR))
        stopped = pauses.paused(order_of(desired), PauseCause.DISK_LIMIT)
        limits = disk_limits(desired)
        return tuple(
            FullShare(app, names([app])[0], used[app], limits[app], app in over, app in stopped)
            for app in sorted((over | near) & limits.keys() & used.keys())
        )

    def paused() -> Paused:
        order = order_of(parts.apps.reconciler.desired)
        for_disk, for_memory = (pauses.paused(order, cause) for cause in (PauseCause.DISK, PauseCause.MEMORY))
        return Paused(names(for_disk), names(for_memory))

    async def changed(what: str) -> None:
        await storage.state.record("notice", None, what)

    return NoticeDesk(
        Sources(
            apps=reporter.summaries_without_links,
            catalog=reporter.entries,
            operations=lambda count: parts.apps.operations.newest(None, count),
            disk=disk,
            paused=paused,
            examine=examiner.examine,
            channels=parts.notifier.desk.list,
            backups=parts.apps.backups.targets,
            streams=parts.apps.streams.view,
            automatic=parts.apps.automatic_updates.views,
            words=parts.seed_words.unconfirmed,
        ),
        HiddenNotices(storage.database),
        storage.clocks.steady,
        changed,
        storage.clocks.now,
    )
