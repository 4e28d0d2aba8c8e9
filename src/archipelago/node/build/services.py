"""The last layer of a node: what answers the RPC, each part for the family of methods whose work it does."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from archipelago.api.metrics import Measure
from archipelago.api.services import apps as app_services
from archipelago.api.services import node as node_services
from archipelago.api.services import security as security_services
from archipelago.api.services.registry import Services
from archipelago.api.system import PauseCause
from archipelago.container.reports.apps import Reporter
from archipelago.container.reports.chains import ChainReporter
from archipelago.container.reports.disk import DiskReporter
from archipelago.container.reports.disk_notices import FullShare, prunable_chains
from archipelago.container.reports.events import EventReporter
from archipelago.container.reports.lightning import LightningReporter
from archipelago.container.reports.logs import LogReporter
from archipelago.container.reports.notice_desk import NoticeDesk, Sources
from archipelago.container.reports.notices import Disk, Paused
from archipelago.container.reports.removal import RemovalReporter
from archipelago.container.reports.sbom import SbomReporter
from archipelago.container.reports.shell import ContainerShell
from archipelago.container.reports.usage import UsageReporter
from archipelago.network.app_entry import AppEntry
from archipelago.network.endpoint_switch import EndpointSwitch
from archipelago.network.firewall_proposal import FirewallProposal
from archipelago.network.onions.onion_switch import OnionSwitch
from archipelago.node.build import late_services
from archipelago.node.build.parts import Parts, doors_of
from archipelago.node.power import Power
from archipelago.node.preferences import AccountPreferences
from archipelago.node.resource_guard import disk_limits, order_of
from archipelago.node.setup_steps import SetupSteps
from archipelago.performance import host
from archipelago.performance.resource_manager.disk_level import DiskLevel
from archipelago.performance.resource_manager.disk_quota import QuotaLevel
from archipelago.performance.resource_manager.write_budget import largest_writers, writes_too_much
from archipelago.performance.system_report import SystemReporter
from archipelago.security.keys.async_key import AsyncNodeKey
from archipelago.security.login.login import Login
from archipelago.storage.stores.hidden_notices import HiddenNotices
from archipelago.storage.stores.preferences import PreferenceStore
from archipelago.storage.tls_folder import TlsFolder


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
    services.provide_late(app_services.AppChangeService, lambda: apps.late.orchestrator)
    services.provide(app_services.LimitService, apps.limits)
    services.provide_late(app_services.RepairService, lambda: apps.late.orchestrator)
    services.provide_late(app_services.RevisionService, lambda: apps.late.orchestrator)
    services.provide(app_services.OperationService, apps.operations)
    services.provide(app_services.AppDataService, apps.kept_data)
    services.provide_late(app_services.SnapshotService, lambda: apps.late.snapshots)
    services.provide(app_services.SnapshotScheduleService, apps.snapshot_schedules)
    services.provide(app_services.AutomaticUpdateService, apps.automatic_updates)
    services.provide_late(app_services.SnapshotFileService, lambda: late_services.snapshot_files(parts))
    services.provide_late(app_services.BackupService, lambda: apps.late.backups)
    services.provide_late(app_services.BackupKeyService, lambda: late_services.backup_keys(parts))
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
    services.provide(node_services.SystemService, system)
    disk = DiskReporter(apps.reconciler, apps.disk_use, storage.config.root)
    services.provide(node_services.DiskService, disk)
    services.provide(node_services.EventService, events)
    services.provide_late(node_services.DoctorService, lambda: late_services.doctor(parts))
    services.provide(node_services.NoticeService, _notices(services, parts, reporter, disk))
    services.provide(node_services.NoticeChannelService, parts.notifier.desk)
    services.provide(node_services.PowerService, power)
    services.provide(node_services.SetupService, SetupSteps(storage.state))
    services.provide(node_services.PreferenceService, AccountPreferences(PreferenceStore(storage.database)))
    services.provide(node_services.LocalAccessService, access)
    services.provide(node_services.TrustService, access)
    services.provide(
        node_services.EndpointService, EndpointSwitch(apps.parts.changes, access, reporter, reporter.doors)
    )
    services.provide(
        node_services.OnionService,
        OnionSwitch(
            apps.parts.changes,
            parts.onions,
            storage.secrets,
            reporter,
            lambda: storage.login.setup_code is None,
        ),
    )
    services.provide(node_services.HostFirewallService, FirewallProposal(access, podman.namespace))


def _provide_security(services: Services, parts: Parts, reporter: Reporter) -> None:
    storage, apps = parts.storage, parts.apps
    key = AsyncNodeKey(storage.secrets.key, storage.secrets, (TlsFolder(storage.config.layout.tls).authority[1],))
    services.provide(Login, storage.login)
    entry = AppEntry(storage.login, parts.sites, parts.pipes.cut)
    services.provide(AppEntry, entry)
    services.provide(security_services.AppEntryService, entry)
    services.provide(security_services.AuditService, storage.audit)
    services.provide(security_services.KeyUnlockService, key)
    services.provide(security_services.KeyService, key)
    services.provide_late(security_services.AppSecretService, lambda: apps.late.orchestrator)
    services.provide(security_services.SeedWordService, parts.seed_words)
    services.provide(security_services.SignerService, apps.verifier)
    services.provide(security_services.SbomService, SbomReporter(reporter.installed, apps.inventory))
    services.provide_late(security_services.ConfinementService, lambda: late_services.confinement(parts))


def _notices(services: Services, parts: Parts, reporter: Reporter, disk_use: DiskReporter) -> NoticeDesk:
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
            examine=lambda: services.of(node_services.DoctorService).examine(),
            channels=parts.notifier.desk.list,
            backups=lambda: services.of(app_services.BackupService).targets(),
            streams=parts.apps.streams.view,
            automatic=parts.apps.automatic_updates.views,
            words=parts.seed_words.unconfirmed,
        ),
        HiddenNotices(storage.database),
        storage.clocks.steady,
        changed,
        storage.clocks.now,
    )
